import { HawserError, type ErrorCode } from "./errors.js";
import type { JsonValue } from "./event.js";
import { LIMITS } from "./limits.js";

/** A place in a text. Lines and columns count from 1, columns in UTF-16 code units. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

const INTEGER = /^-?\d+$/;
/** Up to so many characters an integer is kept whatever its digits are. */
const SAFE_LENGTH = 15;
/** Characters of a number that a message shows. */
const SHOWN_LENGTH = 40;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads JSON, as `JSON.parse` does, but for numbers that a double cannot keep (PROTOCOL.md, Codecs): an integer that would be written
 * on with other digits, such as 9007199254740993, and a number beyond what a double holds, such as 1e400.
 *
 * @param code of the error for such a number
 * @throws SyntaxError for what is no JSON; HawserError that names the line and the column of the number
 */
export function parseExactJson(text: string, code: ErrorCode = "invalid_event"): JsonValue {
  const value: JsonValue = JSON.parse(text);
  // A walk over the values costs a few percent of reading them; a look at each character of the text as much as that.
  if (hasLargeNumber(value, LIMITS.maxDataDepth)) checkNumbers(text, code);
  return value;
}

/**
 * What is wrong with a number that stands in a text as `digits`, for people; undefined when it is kept. A number with a fraction or an
 * exponent is rounded by its nature, and only refused when it is infinite.
 */
export function numberProblem(digits: string): string | undefined {
  const value = Number(digits);
  const isKept = digits.length <= SAFE_LENGTH || !INTEGER.test(digits) || String(value) === digits;
  if (isKept && Number.isFinite(value)) return undefined;
  const shown = digits.length > SHOWN_LENGTH ? `${digits.slice(0, SHOWN_LENGTH)}...` : digits;
  return `${shown} cannot be kept exactly as a number; write it as text`;
}

export function positionOf(text: string, index: number): TextPosition {
  const before = text.slice(0, index);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: index - lineStart + 1 };
}

/** Whether a number is beyond what every integer is kept up to; true also for what is nested too deep for a look. */
function hasLargeNumber(value: JsonValue, levels: number): boolean {
  if (typeof value === "number") return !(Math.abs(value) <= Number.MAX_SAFE_INTEGER);
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (isList(value)) {
    for (const item of value) if (hasLargeNumber(item, levels - 1)) return true;
    return false;
  }
  for (const key in value) {
    const member = value[key];
    // Most are text, and a call for each would take longer than a look.
    if (typeof member === "string" || member === undefined) continue;
    if (hasLargeNumber(member, levels - 1)) return true;
  }
  return false;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Walks over the numbers of a text that is JSON. */
function checkNumbers(text: string, code: ErrorCode): void {
  let index = 0;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      index = endOfString(text, index + 1);
    } else if (startsNumber(unit)) {
      const end = endOfNumber(text, index + 1);
      checkNumber(text, index, end, code);
      index = end;
    } else {
      index += 1;
    }
  }
}

function checkNumber(text: string, start: number, end: number, code: ErrorCode): void {
  const problem = numberProblem(text.slice(start, end));
  if (problem === undefined) return;
  const { line, column } = positionOf(text, start);
  throw new HawserError(code, `line ${line}, column ${column}: ${problem}`);
}

function endOfString(text: string, from: number): number {
  let index = from;
  while (index < text.length && text.charCodeAt(index) !== QUOTE) {
    index += text.charCodeAt(index) === BACKSLASH ? 2 : 1;
  }
  return index + 1;
}

function startsNumber(unit: number): boolean {
  return unit === 0x2d || (unit >= 0x30 && unit <= 0x39);
}

function endOfNumber(text: string, from: number): number {
  let index = from;
  while (index < text.length && "0123456789.eE+-".includes(text.charAt(index))) index += 1;
  return index;
}
