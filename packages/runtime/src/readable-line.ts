import { printable, printableLine } from "./printable.js";

/** How the parts of a line for people are set off. Colour is never the only carrier: the words say it as well. */
export interface LinePaint {
  dim(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

const same = (text: string): string => text;
const ansi =
  (on: number, off: number) =>
  (text: string): string =>
    text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`;

/** Nothing is set off. */
export const PLAIN_LINES: LinePaint = { dim: same, warn: same, bad: same };
/** ANSI attributes (ECMA-48, SGR); the base colours follow the theme of the terminal. */
export const COLOURED_LINES: LinePaint = { dim: ansi(2, 22), warn: ansi(33, 39), bad: ansi(31, 39) };

/** Behind the first line of an entry, so that no text of a peer looks like the beginning of another one. */
const INDENT = "    ";

/**
 * One line of a JSON log as a person reads it: time (UTC), level, message and fields, and below them the further lines of the message and the stack of an error.
 * What is no such line is answered as it is, on one line.
 */
export function readableLine(json: string, paint: LinePaint = PLAIN_LINES): string {
  const entry = entryOf(json);
  if (entry === undefined) return printableLine(json.trimEnd());
  const { level, time, msg, service: _service, err, ...fields } = entry;
  const [first = "", ...more] = printable(msg).split("\n");
  const thrown = errorOf(err);
  const told = Object.entries({ ...fields, ...thrown?.fields }).map(([name, value]) => field(name, value));
  const head = paintOf(level, paint)(`${level.padEnd(5)} ${first}`);
  const fieldText = told.length === 0 ? "" : `  ${paint.dim(printableLine(told.join(" ")))}`;
  const below = [...more, ...(thrown?.stack ?? []).map((text) => paint.dim(text))];
  return [
    `${paint.dim(time.slice(11, 23))}  ${head}${fieldText}`,
    ...below.map((text) => INDENT + text),
  ].join("\n");
}

interface Entry extends Readonly<Record<string, unknown>> {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
}

function entryOf(json: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  return ["level", "time", "msg"].every((name) => typeof Reflect.get(value, name) === "string");
}

function paintOf(level: string, paint: LinePaint): (text: string) => string {
  if (level === "error") return (text) => paint.bad(text);
  return level === "warn" ? (text) => paint.warn(text) : same;
}

function field(name: string, value: unknown): string {
  const isBare = typeof value === "string" && /^[^\s"=]+$/.test(value);
  return `${name}=${isBare ? value : JSON.stringify(value)}`;
}

/** What the error serializer of pino made: the stack has a line for each call, which belongs below. */
function errorOf(
  err: unknown,
): { readonly fields: Readonly<Record<string, unknown>>; readonly stack: readonly string[] } | undefined {
  if (err === undefined) return undefined;
  if (typeof err !== "object" || err === null || !("message" in err)) return { fields: { err }, stack: [] };
  const { type, message, stack, ...more } = err as Readonly<Record<string, unknown>>;
  const calls = typeof stack === "string" ? printable(stack).split("\n").filter(isCall) : [];
  const name = typeof type === "string" ? `${type}: ` : "";
  return { fields: { err: `${name}${String(message)}`, ...more }, stack: calls.map((call) => call.trim()) };
}

function isCall(line: string): boolean {
  return /^\s+at /.test(line);
}
