import { CommandError, EXIT_CODES } from "../../exit-codes.js";
import { jsonText } from "../json-text.js";
import type { Filter, Path, Piece, Selector } from "./parse-template.js";

/**
 * What a template makes of a value, as kubectl prints it: text as it is, other values as JSON, several of one path with spaces between them.
 *
 * @throws CommandError (notFound) for a path of members and indexes that leads nowhere: it is misspelt, or the value is not there yet. In a range, and behind `*`, `..`, a slice or a
 *   filter, nothing is an answer.
 */
export function evaluate(pieces: readonly Piece[], value: unknown): string {
  return pieces.map((piece) => evaluatePiece(piece, value, false)).join("");
}

function evaluatePiece(piece: Piece, value: unknown, isInRange: boolean): string {
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "path":
      return found(piece.path, value, isInRange).map(textOf).join(" ");
    case "range":
      return found(piece.path, value, isInRange)
        .map((item) => piece.body.map((inner) => evaluatePiece(inner, item, true)).join(""))
        .join("");
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : jsonText(value);
}

function found({ text, selectors }: Path, root: unknown, mayBeNothing: boolean): readonly unknown[] {
  let values: readonly unknown[] = [root];
  let isExact = !mayBeNothing;
  for (const selector of selectors) {
    const before = values;
    values = values.flatMap((value) => select(selector, value));
    isExact &&= selector.kind === "member" || selector.kind === "index";
    if (isExact && values.length === 0) throw nothingThere(text, before[0]);
  }
  return values;
}

function nothingThere(text: string, at: unknown): CommandError {
  return new CommandError(
    EXIT_CODES.notFound,
    `jsonpath '${text}' leads nowhere: ${whatIsThere(at)}; '--output json' shows all there is`,
  );
}

function whatIsThere(at: unknown): string {
  if (Array.isArray(at)) return `there is a list of ${at.length} where it ends`;
  if (isObject(at)) return `where it ends there are ${Object.keys(at).join(", ") || "no members"}`;
  return "it goes on below a value that has nothing below it";
}

function select(selector: Selector, value: unknown): readonly unknown[] {
  switch (selector.kind) {
    case "member":
      return isObject(value) && Object.hasOwn(value, selector.name) ? [value[selector.name]] : [];
    case "index":
      return Array.isArray(value) ? sliceOf(value, selector.index, 1) : [];
    case "slice":
      return Array.isArray(value) ? value.slice(selector.from, selector.to) : [];
    case "all":
      return childrenOf(value);
    case "below":
      return [value, ...childrenOf(value).flatMap((child) => select(selector, child))];
    case "filter":
      return childrenOf(value).filter((child) => passes(selector.filter, child));
  }
}

function sliceOf(list: readonly unknown[], index: number, count: number): readonly unknown[] {
  const from = index < 0 ? list.length + index : index;
  return from < 0 ? [] : list.slice(from, from + count);
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

function passes({ path, comparison }: Filter, value: unknown): boolean {
  const values = path.reduce<readonly unknown[]>(
    (some, selector) => some.flatMap((one) => select(selector, one)),
    [value],
  );
  if (comparison === undefined) return values.length > 0;
  const { is, to } = comparison;
  return values.some((one) => {
    if (is === "==") return one === to;
    if (is === "!=") return one !== to;
    if (typeof one === "number" && typeof to === "number") return ordered(is, one, to);
    return typeof one === "string" && typeof to === "string" && ordered(is, one, to);
  });
}

function ordered<T extends string | number>(is: "<" | "<=" | ">" | ">=", one: T, to: T): boolean {
  switch (is) {
    case "<":
      return one < to;
    case "<=":
      return one <= to;
    case ">":
      return one > to;
    case ">=":
      return one >= to;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
