import { HawserError } from "@hawser/protocol";
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { HttpError } from "./http-error.js";

/** What orchestrators ask, who have no token, and what people read before they have one: none tells more than a state and what the source code tells. */
const OPEN_PATHS: readonly string[] = ["/livez", "/readyz", "/openapi.json", "/docs"];

/** Lets in who shows the token (RFC 6750). @throws HawserError `invalid_config` for a token that no header can carry */
export function bearerToken(token: string): MiddlewareHandler {
  if (!/^[\u0021-\u007e]+$/.test(token)) {
    throw new HawserError("invalid_config", "the API token must be printable ASCII without spaces");
  }
  const expected = digest(token);
  return async (context, next) => {
    if (!OPEN_PATHS.includes(context.req.path)) {
      const given = /^bearer +(\S+) *$/i.exec(context.req.header("authorization") ?? "")?.[1];
      if (given === undefined)
        throw unauthenticated("send the header authorization: Bearer <token>", "Bearer");
      // Digests have one length, so that comparing takes the same time whatever was sent.
      if (!timingSafeEqual(digest(given), expected)) {
        throw unauthenticated("the bearer token is not the one of this API", 'Bearer error="invalid_token"');
      }
    }
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function unauthenticated(message: string, challenge: string): HttpError {
  return new HttpError(401, "unauthenticated", message, { headers: { "www-authenticate": challenge } });
}
