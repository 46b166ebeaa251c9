import { HttpError, MAX_BODY_BYTES } from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";

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
