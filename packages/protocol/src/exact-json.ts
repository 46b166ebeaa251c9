import { HawserError, type ErrorCode } from "./errors.js";
import type { JsonValue } from "./event.js";
import { LIMITS } from "./limits.js";

/** A place in a text. Lines and columns count from 1, columns in UTF-16 code units. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

const INTEGER = /^-?\d+$/;
/** Integers with at most this many characters are exact. */
const SAFE_LENGTH = 15;
/** Characters of a number in a message. */
const SHOWN_LENGTH = 40;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * `JSON.parse` that refuses numbers a double cannot keep (PROTOCOL.md, Codecs): integers that would
 * change their digits, such as 9007199254740993, and overflows, such as 1e400.
 * @param code of the error for such a number
 * @throws SyntaxError for invalid JSON; HawserError with line and column of the number
 */
export function parseExactJson(text: string, code: ErrorCode = "invalid_event"): JsonValue {
  const value: JsonValue = JSON.parse(text);
  // Walking the values costs a few percent of parsing; scanning the text costs as much as parsing.
  if (hasLargeNumber(value, LIMITS.maxDataDepth)) checkNumbers(text, code);
  return value;
}

/**
 * The problem with a number written as `digits`; undefined for none. Fractions and exponents are
 * rounded by nature, so only infinity is refused.
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

/** True for a number beyond the safe integers, and for data too deep to look at. */
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
    // Most members are text, and a call for each costs more than this check.
    if (typeof member === "string" || member === undefined) continue;
    if (hasLargeNumber(member, levels - 1)) return true;
  }
  return false;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Checks every number of a valid JSON text. */
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
