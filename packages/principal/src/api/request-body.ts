import { HawserError, parseExactJson, type ErrorCode, type JsonValue } from "@hawser/protocol";
import { HttpError } from "./http-error.js";
import { jsonErrorPosition } from "./json-position.js";

/** Largest body of a request in bytes, above the largest event so that the refusal of that can name it. */
export const MAX_BODY_BYTES = 1_048_576;

/**
 * Reads a body, and stops reading as soon as it is too large.
 *
 * @throws HawserError `event_too_large` (413), or `connection_closed` when the client broke off
 */
export async function readBody(request: Request, maxBytes: number = MAX_BODY_BYTES): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new HawserError("connection_closed", "the request ended before its body did", { cause });
    });
    if (done) return Buffer.concat(chunks, size);
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel().catch(() => {});
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
}

function tooLarge(maxBytes: number): HttpError {
  // The rest of the body is not worth receiving, so the connection cannot serve another request.
  return new HttpError(413, "event_too_large", `the request body is larger than ${maxBytes} bytes`, {
    headers: { connection: "close" },
  });
}

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
