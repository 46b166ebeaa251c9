import { HttpError } from "@hawser/http-binding";
import type { Clock } from "@hawser/runtime";
import type { ApiTokens } from "./api-tokens.js";
import type { ApiVerdict, Authorize } from "./authorize.js";
import { TokenGuesses } from "./token-guesses.js";

/**
 * Lets in who shows one of the tokens (RFC 6750). Addresses that show too many wrong ones are told to come back with those (`TokenGuesses`); a right one always passes.
 */
export function bearerToken(tokens: ApiTokens, clock: Clock): Authorize {
  const guesses = new TokenGuesses(clock);
  return ({ headers, address = "" }): ApiVerdict => {
    const given = bearerOf(headers.get("authorization") ?? undefined);
    if (given === undefined)
      return unauthenticated("send the header authorization: Bearer <token>", "Bearer");
    const caller = tokens.callerOf(given);
    if (caller !== undefined) return { ok: true, actor: caller.name, until: caller.removed };
    const waitMs = guesses.wrong(address);
    if (waitMs > 0) return { ok: false, error: tooManyGuesses(waitMs) };
    return unauthenticated("the bearer token is not one of this API", 'Bearer error="invalid_token"');
  };
}

/** The token in an `authorization` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

function unauthenticated(message: string, challenge: string): ApiVerdict {
  const headers = { "www-authenticate": challenge };
  return { ok: false, error: new HttpError(401, "unauthenticated", message, { headers }) };
}

function tooManyGuesses(waitMs: number): HttpError {
  const headers = { "retry-after": String(Math.ceil(waitMs / 1_000)) };
  return new HttpError(429, "overloaded", "too many wrong tokens came from this address; come back later", {
    headers,
  });
}
