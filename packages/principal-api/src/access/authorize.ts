import { HttpError } from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";
import { withinLimits, type Timers } from "@hawser/runtime";
import type { Context, MiddlewareHandler } from "hono";
import { setMaxListeners } from "node:events";
import type { IncomingMessage } from "node:http";
import { ClientShares } from "../http/client-shares.js";
import { callers, refusedNames } from "./callers.js";
import { incomingOf, servedBy } from "../http/served-by.js";

/** The head of a request, for whoever decides whether it may be asked. Nothing of its body has been read. */
export interface ApiRequest {
  readonly method: string;
  /** Of this API, without what precedes it where it is mounted (`basePath`) and without the query: `/v1/agents/edge-1`. */
  readonly path: string;
  readonly headers: Headers;
  /** IP address of the other end of the connection, IPv6 as its /64. Undefined where the server is none of `node:http`. */
  readonly address: string | undefined;
  /** The request as `node:http` has it: what the middleware of a server that is there already has put on it, such as a user. Undefined where the server is another. */
  readonly incoming: IncomingMessage | undefined;
}

/** Whether a request may be asked, and by whom. */
export type ApiVerdict =
  | {
      readonly ok: true;
      /** Who asks: in the log of changes, and for what one client has a share of. Never a secret. Cut after 256 characters; not empty. */
      readonly actor: string;
      /** Aborted when they may ask no longer: their streams end. @default streams go on until their reader or the principal goes */
      readonly until?: AbortSignal | undefined;
    }
  | {
      readonly ok: false;
      /** `unauthenticated` is answered with 401, `forbidden` with 403, others with the status of their code. Its message is told. */
      readonly error: HawserError;
      /** Who was refused, for the log, where that is known. */
      readonly actor?: string | undefined;
      /** What `www-authenticate` says with 401 (RFC 9110, section 11.6.1). @default "Bearer" */
      readonly challenge?: string | undefined;
    };

/**
 * Decides whether a request may be asked: those that read, those that change something and those that follow a stream alike; a stream is asked once, when it begins. Not asked for `/`, `/livez`,
 * `/readyz`, `/openapi.json` and `/docs`. What it throws, or answers that is no verdict, is a 500 whose text goes to the log alone.
 */
export type Authorize = (request: ApiRequest) => ApiVerdict | Promise<ApiVerdict>;

/** What a decision may take that has to be looked up: a person waits for it. */
export const DEFAULT_AUTHORIZE_TIMEOUT_MS = 5_000;
/** Decisions that are waited for at once, of all clients; one client has half of them at most. */
export const MAX_PENDING_AUTHORIZATIONS = 1_024;

/** What orchestrators ask, who have no token, and what people read before they have one: none tells more than a state and what the source code tells. */
const OPEN_PATHS: readonly string[] = ["/", "/livez", "/readyz", "/openapi.json", "/docs"];
const MAX_ACTOR_LENGTH = 256;

/** Lets in whom `authorize` lets in. What is refused is refused by its head. */
export function authorization(
  authorize: Authorize,
  { timers, timeoutMs }: { readonly timers: Timers; readonly timeoutMs: number },
): MiddlewareHandler {
  const pending = new PendingAuthorizations();

  async function judge(context: Context): Promise<ApiVerdict> {
    const served = servedBy(context);
    const { method, path, raw } = context.req;
    const request: ApiRequest = {
      method,
      path,
      headers: raw.headers,
      address: served?.client,
      incoming: incomingOf(context),
    };
    // Before the question is put: an answer that nobody waits for could not fail without ending the process.
    const giveBack = pending.take(served?.client);
    try {
      const verdict = judged(() => authorize(request));
      return verdict instanceof Promise
        ? await withinLimits({ timeoutMs }, timers, late, () => verdict)
        : verdict;
    } finally {
      giveBack();
    }
  }

  return async (context, next) => {
    if (OPEN_PATHS.includes(context.req.path)) return next();
    const verdict = await judge(context);
    if (!verdict.ok) {
      if (verdict.actor !== undefined) refusedNames.set(context, nameOf(verdict.actor));
      throw refusalOf(verdict.error, verdict.challenge);
    }
    const { actor, until = NEVER } = verdict;
    if (until.aborted) throw refusalOf(new HawserError("unauthenticated", "this caller may ask no longer"));
    callers.set(context, { name: nameOf(actor), removed: until });
    servedBy(context)?.admitted();
    await next();
  };
}

function nameOf(actor: string): string {
  return actor.slice(0, MAX_ACTOR_LENGTH);
}

/** Where nobody decides, everybody may ask. */
export const letEverybodyIn: MiddlewareHandler = async (context, next) => {
  servedBy(context)?.admitted();
  await next();
};

const NEVER = new AbortController().signal;

/** Counts what is waited for, so that a slow look-up is not asked without end. */
class PendingAuthorizations {
  readonly #shares = new ClientShares(MAX_PENDING_AUTHORIZATIONS / 2);
  #count = 0;

  /** @throws HawserError `overloaded` */
  take(client: string | undefined): () => void {
    const giveBack = this.#count < MAX_PENDING_AUTHORIZATIONS ? this.#shares.take(client) : undefined;
    if (giveBack === undefined)
      throw new HawserError("overloaded", "too many requests wait to hear whether they may be asked");
    this.#count += 1;
    return () => {
      this.#count -= 1;
      giveBack();
    };
  }
}

function judged(decide: () => ApiVerdict | Promise<ApiVerdict>): ApiVerdict | Promise<ApiVerdict> {
  let verdict: ApiVerdict | Promise<ApiVerdict>;
  try {
    verdict = decide();
  } catch (cause) {
    threw(cause);
  }
  return isThenable(verdict) ? Promise.resolve(verdict).then(checked, threw) : checked(verdict);
}

function threw(cause: unknown): never {
  throw new HawserError("internal", "authorize threw", { cause });
}

/** A promise of another make is one, too. */
function isThenable(value: unknown): value is PromiseLike<ApiVerdict> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Programs without types answer with anything; only what is a verdict lets in. */
function checked(verdict: ApiVerdict): ApiVerdict {
  if (!isVerdict(verdict))
    throw new HawserError(
      "internal",
      "authorize answered with something that neither lets in, by a name, nor refuses, by an error",
    );
  // One listener for each stream, of which there may be more than the ten that Node warns of.
  if (verdict.ok && verdict.until !== undefined) setMaxListeners(0, verdict.until);
  return verdict;
}

function isVerdict(given: unknown): boolean {
  if (typeof given !== "object" || given === null || !("ok" in given)) return false;
  if (given.ok === true) return "actor" in given && typeof given.actor === "string" && given.actor !== "";
  const isNamed = !("actor" in given) || given.actor === undefined || typeof given.actor === "string";
  return given.ok === false && isNamed && "error" in given && given.error instanceof HawserError;
}

function late(_code: string, message: string): HawserError {
  return new HawserError("timeout", `whether this may be asked could not be told: ${message}; try again`);
}

function refusalOf(error: HawserError, challenge = "Bearer"): HawserError {
  if (error.code !== "unauthenticated" || error instanceof HttpError) return error;
  return new HttpError(401, error.code, error.message, { headers: { "www-authenticate": challenge } });
}
