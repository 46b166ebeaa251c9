import { unixPathProblem } from "@hawser/runtime";
import { z } from "zod";

/**
 * A setting. Its key in camel case gives its names: `dataDir` is the flag `--data-dir`, the
 * variable `<PREFIX>DATA_DIR` and `dataDir` in the file.
 */
export interface Setting<T = unknown> {
  readonly description: string;
  /** Value in the help, such as `<host:port>`. Absent: a switch without a value. */
  readonly placeholder?: string;
  /** Reads a text (flag, variable) or a value (file). */
  readonly schema: z.ZodType<T>;
}

/** A setting that takes a value. */
export function setting<T>(placeholder: string, description: string, schema: z.ZodType<T>): Setting<T> {
  return { placeholder, description, schema };
}

/** A program's settings by key. */
export type SettingsShape = Readonly<Record<string, Setting>>;

/** The loaded settings; one without a default may be undefined. */
export type SettingsOf<Shape extends SettingsShape> = {
  readonly [Key in keyof Shape]: Shape[Key] extends Setting<infer T> ? T : never;
};

/** A text that is not empty. */
export const text = (): z.ZodType<string> => z.string("is not a text").min(1, "is empty");

/** Texts separated by commas, none of them empty. */
export const list = (): z.ZodType<readonly string[]> =>
  text()
    .transform((value) => value.split(",").map((each) => each.trim()))
    .refine((items) => !items.includes(""), "has an empty item between its commas");

/** One of a few words. */
export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodType<Values[number]> => z.enum(values, { error: () => `is none of ${values.join(", ")}` });

/** A switch: given as a flag without a value, `true` or `false` elsewhere. */
export const toggle = (): z.ZodType<boolean> =>
  z.union(
    [z.boolean(), z.literal("true").transform(() => true), z.literal("false").transform(() => false)],
    "is neither true nor false",
  );

/** A whole number within bounds. */
export function integer({ min, max }: { readonly min: number; readonly max: number }): z.ZodType<number> {
  const range = `is not a whole number from ${min} to ${max}`;
  return z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], range)
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, range);
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** A duration such as `500ms`, `20s`, `15m` or `1h` in milliseconds. A number needs its unit. */
export function duration({
  minMs,
  maxMs,
}: {
  readonly minMs: number;
  readonly maxMs: number;
}): z.ZodType<number> {
  return parsed("is not a duration such as 500ms, 20s, 15m or 1h", (value) => {
    const [, count, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value) ?? [];
    const unitMs = UNIT_MS.get(unit);
    return unitMs === undefined ? undefined : Number(count) * unitMs;
  }).refine((value) => value >= minMs && value <= maxMs, `is not between ${minMs} ms and ${maxMs} ms`);
}

/** A text that `parse` reads; `wrong` says why where `parse` answers undefined. */
function parsed<T>(wrong: string, parse: (value: string) => T | undefined): z.ZodType<T> {
  return z.string(wrong).transform((value, context): T => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue(wrong);
    return z.NEVER;
  });
}

/** Where to listen or to connect. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[v6]:port`, or `:port` for all addresses. Port 0 lets the system choose. */
export function hostPort(): z.ZodType<HostPort> {
  return parsed("is not an address such as 127.0.0.1:7480, [::1]:7480 or :7480", parseHostPort);
}

function parseHostPort(value: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? (match[2] || "::"), port };
}

/** A Unix domain socket of this machine. */
export interface UnixPath {
  readonly path: string;
}

/** As `hostPort`, or `unix:/path` for a Unix domain socket. */
export function hostPortOrUnix(): z.ZodType<HostPort | UnixPath> {
  const wrong =
    "is not an address such as 127.0.0.1:7480, [::1]:7480, :7480 or unix:/run/hawser/internal.sock";
  return z.string(wrong).transform((value, context): HostPort | UnixPath => {
    const path = /^unix:(\/.+)$/.exec(value)?.[1];
    const problem = path === undefined ? undefined : unixPathProblem(path);
    if (path !== undefined && problem === undefined) return { path };
    const parsed = parseHostPort(value);
    if (parsed !== undefined) return parsed;
    context.addIssue(problem ?? wrong);
    return z.NEVER;
  });
}
