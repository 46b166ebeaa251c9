import { HawserError, parseExactJson, type ErrorCode, type JsonValue } from "@hawser/protocol";
import { jsonErrorPosition } from "./json-position.js";

/** Largest body of a single request: above the largest event, so its refusal can name the event. */
export const MAX_BODY_BYTES = 1_048_576;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws HawserError with `code` when the bytes are not UTF-8 */
export function decodeText(bytes: Uint8Array, code: ErrorCode): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new HawserError(code, "the body is not UTF-8", { cause });
  }
}

/** @throws HawserError with `code`, naming line and column of the problem */
export function parseJson(text: string, code: ErrorCode): JsonValue {
  try {
    return parseExactJson(text, code);
  } catch (cause) {
    if (cause instanceof HawserError) throw cause;
    throw brokenJson(text, code, cause);
  }
}

function brokenJson(text: string, code: ErrorCode, cause: unknown): HawserError {
  if (text.trim() === "") return new HawserError(code, "the body is empty; JSON was expected", { cause });
  const { line, column } = jsonErrorPosition(text);
  return new HawserError(code, `the body is not JSON: unexpected at line ${line}, column ${column}`, {
    cause,
  });
}
