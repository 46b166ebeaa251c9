import {
  decodeText,
  HttpError,
  isJson,
  isUtf8,
  MAX_BODY_BYTES,
  parseJson,
  parseMediaType,
} from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";
import type { Context, MiddlewareHandler } from "hono";
import type { IncomingMessage } from "node:http";
import type { BodySpec } from "../openapi/operation.js";
import { incomingOf, isMounted } from "./served-by.js";

/** What clients say of a body when nobody told them what it is: curl, and fetch. */
const UNSAID: readonly string[] = ["application/x-www-form-urlencoded", "text/plain"];

/**
 * Reads a JSON body and holds it against its schema.
 *
 * @throws HawserError `invalid_message`, with line and column or the field that is wrong; 415 for a body that is said to be something else
 */
export async function readJsonBody(request: Request, { schema, optional, hint }: BodySpec): Promise<unknown> {
  checkContentType(request.headers.get("content-type"));
  const text = decodeText(await readBody(request), "invalid_message");
  const parsed = schema.safeParse(optional === true && text === "" ? {} : parseJson(text, "invalid_message"));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the body" : `field ${issue.path.join(".")}`;
  const what = `${where} is wrong: ${issue?.message ?? "not as expected"}`;
  throw new HawserError("invalid_message", hint === undefined ? what : `${what}; ${hint}`);
}

function checkContentType(contentType: string | null): void {
  if (contentType === null) return;
  const mediaType = parseMediaType(contentType);
  if ((isJson(mediaType) || UNSAID.includes(mediaType.essence)) && isUtf8(mediaType.charset)) return;
  throw new HttpError(415, "invalid_message", "send JSON in UTF-8 with content-type application/json", {
    headers: { accept: "application/json" },
  });
}

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

/**
 * A server that is there already may have parsed the body. What it made of it is not what was sent (numbers, members given twice, events whose data are bytes), so that is no body for this API; one that
 * it kept as it was (`rawBody`, a Buffer) is. Without this, such a request would seem to have broken off.
 */
export const refuseParsedBodies: MiddlewareHandler = async (context, next) => {
  if (isMounted(context) && isRead(context)) {
    throw new HttpError(
      501,
      "invalid_config",
      "the body of this request was read before it came to this API; mount the API in front of body parsers such as express.json(), or have them leave its path out",
    );
  }
  await next();
};

function isRead(context: Context): boolean {
  const { method, raw } = context.req;
  if (method === "GET" || method === "HEAD") return false;
  const incoming = incomingOf(context);
  if (incoming === undefined) return raw.bodyUsed;
  return hasBody(incoming) && (raw.bodyUsed || incoming.readableDidRead) && !hasRawBody(incoming);
}

/** RFC 9112, section 6.3. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function hasRawBody(incoming: IncomingMessage): boolean {
  return "rawBody" in incoming && incoming.rawBody instanceof Buffer;
}
