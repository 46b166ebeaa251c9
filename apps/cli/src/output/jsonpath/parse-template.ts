import { usageError } from "../../exit-codes.js";

/** One step of a path from values to values. */
export type Selector =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "slice"; readonly from: number | undefined; readonly to: number | undefined }
  | { readonly kind: "all" }
  /** The value itself and everything below it. */
  | { readonly kind: "below" }
  | { readonly kind: "filter"; readonly filter: Filter };

export const COMPARISONS = ["==", "!=", "<=", ">=", "<", ">"] as const;

/** `?(@.state=="pending")`, or `?(@.status)`: that there is such a thing. */
export interface Filter {
  readonly path: readonly Selector[];
  readonly comparison?: {
    readonly is: (typeof COMPARISONS)[number];
    readonly to: string | number | boolean | null;
  };
}

export interface Path {
  /** As it was written, for messages. */
  readonly text: string;
  readonly selectors: readonly Selector[];
}

/** A piece of a template, in the order of the text. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "path"; readonly path: Path }
  | { readonly kind: "range"; readonly path: Path; readonly body: readonly Piece[] };

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t" };

/**
 * Reads what kubectl calls a JSONPath template, as far as it makes sense here: text with `{.path}`, `{"text"}` and `{range .path}...{end}` in it; or one path without braces.
 *
 * @throws CommandError (usage) saying where and what
 */
export function parseTemplate(text: string): readonly Piece[] {
  if (/^[.$[]/.test(text) && !text.includes("{")) return [{ kind: "path", path: parsePath(text) }];
  const open: { readonly path: Path; readonly body: Piece[] }[] = [];
  const top: Piece[] = [];
  const pieces = (): Piece[] => open.at(-1)?.body ?? top;
  for (const token of tokensOf(text)) {
    if (token.kind === "text") pieces().push(token);
    else if (token.text === "end") {
      const range = open.pop();
      if (range === undefined) throw wrong(text, "{end} ends no {range}");
      pieces().push({ kind: "range", ...range });
    } else if (/^range\s/.test(token.text))
      open.push({ path: parsePath(token.text.slice("range".length).trim()), body: [] });
    else if (/^["']/.test(token.text)) pieces().push({ kind: "text", text: parseQuoted(token.text) });
    else pieces().push({ kind: "path", path: parsePath(token.text) });
  }
  if (open.length > 0) throw wrong(text, "a {range} has no {end}");
  return top;
}

type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "braces"; readonly text: string };

/** Text and what stands in braces; a brace in quotes is none. */
function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const braces = /\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}/gy;
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("{", at);
    const end = next < 0 ? text.length : next;
    if (end > at) tokens.push({ kind: "text", text: text.slice(at, end) });
    if (next < 0) break;
    braces.lastIndex = next;
    const match = braces.exec(text);
    if (match === null) throw wrong(text, `the brace in '${text.slice(next)}' is not closed`);
    tokens.push({ kind: "braces", text: (match[1] ?? "").trim() });
    at = braces.lastIndex;
  }
  return tokens;
}

function parseQuoted(text: string): string {
  const [, , inner] = /^(["'])(.*)\1$/s.exec(text) ?? [];
  if (inner === undefined) throw wrong(text, "the text has no end");
  return inner.replace(/\\(.)/gs, (_match, letter: string) => ESCAPES[letter] ?? letter);
}

/** One selector at the beginning of what is left of a path, and what it stands for. The longest kinds come first. */
const SELECTORS: readonly (readonly [RegExp, (groups: readonly (string | undefined)[]) => Selector])[] = [
  [/^\.\.(?=[.[*\w])/, () => ({ kind: "below" })],
  [/^\.?\*/, () => ({ kind: "all" })],
  [/^\[\*\]/, () => ({ kind: "all" })],
  [/^\.?((?:[\w-]|\\.)+)/, ([name = ""]) => ({ kind: "member", name: name.replace(/\\(.)/g, "$1") })],
  [/^\[(-?\d+)\]/, ([index]) => ({ kind: "index", index: Number(index) })],
  [/^\[(-?\d+)?:(-?\d+)?\]/, ([from, to]) => ({ kind: "slice", from: numberOf(from), to: numberOf(to) })],
  [
    /^\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]/,
    ([name = ""]) => ({ kind: "member", name: parseQuoted(name) }),
  ],
  [
    /^\[\?\(((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"')])*)\)\]/,
    ([text = ""]) => ({ kind: "filter", filter: parseFilter(text) }),
  ],
];

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** @throws CommandError (usage) */
function parsePath(text: string): Path {
  const selectors: Selector[] = [];
  let rest = text.replace(/^[$@]/, "");
  if (rest === ".") rest = "";
  if (text === "") throw wrong(text, "there is nothing between the braces");
  while (rest !== "") {
    const found = SELECTORS.map(([pattern, make]) => ({ match: pattern.exec(rest), make })).find(
      ({ match }) => match !== null,
    );
    if (found?.match === null || found === undefined) throw wrong(text, `'${rest}' is no part of a path`);
    const [whole, ...groups] = found.match;
    selectors.push(found.make(groups));
    rest = rest.slice(whole.length);
  }
  return { text, selectors };
}

function parseFilter(text: string): Filter {
  const [, path = "", is, to = ""] = /^\s*(@.*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/s.exec(text) ?? [];
  if (path === "") throw wrong(text, "a filter is ?(@.path) or ?(@.path == value)");
  const { selectors } = parsePath(path);
  const comparison = COMPARISONS.find((known) => known === is);
  if (comparison === undefined) return { path: selectors };
  return { path: selectors, comparison: { is: comparison, to: parseValue(to) } };
}

function parseValue(text: string): string | number | boolean | null {
  if (/^["']/.test(text)) return parseQuoted(text);
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  throw wrong(text, "a value is a number, true, false, null or text in quotes");
}

function wrong(text: string, why: string): Error {
  return usageError(`jsonpath '${text}': ${why}`);
}
