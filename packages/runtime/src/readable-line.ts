import { printable, printableLine } from "./printable.js";

/** Highlights of a readable line. Colour is never the only carrier: the words say the same. */
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

/** No highlights. */
export const PLAIN_LINES: LinePaint = { dim: same, warn: same, bad: same };
/** ANSI attributes (ECMA-48, SGR); the terminal's theme decides the base colours. */
export const COLOURED_LINES: LinePaint = { dim: ansi(2, 22), warn: ansi(33, 39), bad: ansi(31, 39) };

/** Indents all but the first line of an entry, so that no peer can forge another entry. */
const INDENT = "    ";

/**
 * A JSON log line for people: time (UTC), level, message and fields, then further lines of the
 * message and the stack of an error. Any other line is returned on one line.
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

/** Fields and stack from pino's error serializer. The stack goes below the line. */
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
