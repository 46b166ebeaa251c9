import { HttpError } from "@hawser/http-binding";
import type { Context, MiddlewareHandler } from "hono";
import type { IncomingMessage } from "node:http";
import { incomingOf, isMounted } from "./served-by.js";

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
