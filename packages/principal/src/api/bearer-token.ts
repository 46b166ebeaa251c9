import type { Clock } from "@hawser/runtime";
import type { Context, MiddlewareHandler } from "hono";
import type { ApiCaller, ApiTokens } from "./api-tokens.js";
import { HttpError } from "@hawser/http-binding";
import { servedBy } from "./served-by.js";
import { TokenGuesses } from "./token-guesses.js";

/** What orchestrators ask, who have no token, and what people read before they have one: none tells more than a state and what the source code tells. */
const OPEN_PATHS: readonly string[] = ["/", "/livez", "/readyz", "/openapi.json", "/docs"];

const callers = new WeakMap<Context, ApiCaller>();

/**
 * Lets in who shows one of the tokens (RFC 6750). What is refused is refused by its head: nothing of its body has been read. Addresses that show too many wrong ones are told to
 * come back with those (`TokenGuesses`); a right one always passes.
 */
export function bearerToken(tokens: ApiTokens, clock: Clock): MiddlewareHandler {
  const guesses = new TokenGuesses(clock);
  return async (context, next) => {
    if (OPEN_PATHS.includes(context.req.path)) return next();
    const given = bearerOf(context.req.header("authorization"));
    if (given === undefined) throw unauthenticated("send the header authorization: Bearer <token>", "Bearer");
    const served = servedBy(context);
    const address = served?.client ?? "";
    const caller = tokens.callerOf(given);
    if (caller === undefined) {
      const waitMs = guesses.wrong(address);
      if (waitMs > 0) throw tooManyGuesses(waitMs);
      throw unauthenticated("the bearer token is not one of this API", 'Bearer error="invalid_token"');
    }
    callers.set(context, caller);
    served?.admitted();
    await next();
  };
}

/** The token in an `authorization` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

/** Where no token is asked for, everybody may ask. */
export const letEverybodyIn: MiddlewareHandler = async (context, next) => {
  servedBy(context)?.admitted();
  await next();
};

/** Who asks; undefined where no token is asked for. */
export function callerOf(context: Context): ApiCaller | undefined {
  return callers.get(context);
}

function unauthenticated(message: string, challenge: string): HttpError {
  return new HttpError(401, "unauthenticated", message, { headers: { "www-authenticate": challenge } });
}

function tooManyGuesses(waitMs: number): HttpError {
  const headers = { "retry-after": String(Math.ceil(waitMs / 1_000)) };
  return new HttpError(429, "overloaded", "too many wrong tokens came from this address; come back later", {
    headers,
  });
}
