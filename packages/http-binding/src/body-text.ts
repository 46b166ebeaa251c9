import { HawserError, parseExactJson, type ErrorCode, type JsonValue } from "@hawser/protocol";
import { jsonErrorPosition } from "./json-position.js";

/** Largest body of a request that is no batch, in bytes: above the largest event, so that the refusal of that can name it. */
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

/** @throws HawserError with `code`, naming the line and the column of what is no JSON, or of a number that cannot be kept */
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
