import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { thrownText } from "@hawser/protocol";
import { makeDirectoriesSync } from "@hawser/runtime";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { usageError } from "../exit-codes.js";

const contextSchema = z.strictObject({
  server: z.url({ protocol: /^https?$/ }),
  /** A file with the bearer token: tokens themselves are not kept here. */
  tokenFile: z.string().min(1).optional(),
  /** A file with the authorities that sign the server's certificate, PEM. */
  caFile: z.string().min(1).optional(),
  /** Name of the environment variable with the token. */
  tokenEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .optional(),
});
export type Context = z.infer<typeof contextSchema>;

export const CONTEXT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/i;
const configSchema = z.strictObject({
  current: z.string().optional(),
  contexts: z.record(z.string().regex(CONTEXT_NAME), contextSchema).default({}),
});
export type Config = z.infer<typeof configSchema>;

type Environment = Readonly<Record<string, string | undefined>>;

/** `HAWSER_CONFIG`, else `hawser/config.yaml` below `XDG_CONFIG_HOME`, which is `~/.config` unless set (XDG Base Directory Specification). */
export function configPath(env: Environment): string {
  if (env.HAWSER_CONFIG) return env.HAWSER_CONFIG;
  return join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "hawser", "config.yaml");
}

/** What is kept; nothing when there is no file yet. @throws CommandError (usage) naming the file and what is wrong */
export function readConfig(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return { contexts: {} };
    throw usageError(`${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      cause: thrown,
    });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (thrown) {
    throw usageError(`${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      cause: thrown,
    });
  }
  const parsed = configSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`,
  );
  throw usageError(`${path}: ${problems.join("; ")}; mend it, or remove it and use 'hawser context set'`);
}

/** Replaces the file in one step, readable by its owner alone: what it names leads to tokens. @throws CommandError (usage) naming the file and why it cannot be written */
export function writeConfig(path: string, config: Config): void {
  const next = `${path}.${process.pid}.tmp`;
  try {
    makeDirectoriesSync(dirname(path), 0o700);
    writeFileSync(next, stringify(config), { mode: 0o600 });
    renameSync(next, path);
  } catch (thrown) {
    throw usageError(`${path} cannot be written: ${thrownText(thrown)}; HAWSER_CONFIG names another file`, {
      cause: thrown,
    });
  }
}
