import type { Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { type Logger, type Runtime, tellObserver } from "@hawser/runtime";
import type { Context } from "hono";
import { callerOf } from "../access/callers.js";
import { ClientShares, clientOf } from "../http/client-shares.js";
import { requestIdOf } from "../http/request.js";
import { servedBy } from "../http/served-by.js";
import type { StreamGap, StreamName, StreamObserver } from "./stream-observer.js";
import { streamResponse } from "./stream-response.js";
import type { StreamSource } from "./stream-source.js";

export interface OpenStreamsParts {
  readonly principal: Pick<Principal, "state" | "status">;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Streams that are open at once, of all kinds together. One client has half of them at most. */
  readonly maxStreams: number;
  readonly observer: StreamObserver | undefined;
}

/** Begins the source of a stream. `onGap` counts what its reader is told to have missed. */
export type OpenSource = (
  lastEventId: string | undefined,
  onGap: (reason: StreamGap) => void,
) => StreamSource;

/** The streams that are open, from the answer to the end: bounded in all and for each client. */
export class OpenStreams {
  readonly #parts: OpenStreamsParts;
  readonly #maxPerClient: number;
  readonly #open: Record<StreamName, number> = { events: 0, agents: 0, agent_events: 0, output: 0 };
  readonly #shares: ClientShares;

  constructor(parts: OpenStreamsParts) {
    this.#parts = parts;
    this.#maxPerClient = Math.max(1, Math.floor(parts.maxStreams / 2));
    this.#shares = new ClientShares(this.#maxPerClient);
  }

  /** @throws HawserError `overloaded`, `draining`, and whatever `open` throws */
  answer(stream: StreamName, context: Context, open: OpenSource): Response {
    const release = this.#takePlace(stream, clientOf(context));
    const { principal, runtime, logger } = this.#parts;
    const onGap = (reason: StreamGap): void => this.#tell((observer) => observer.gap(stream, reason));
    const source = open(context.req.header("last-event-id"), onGap);
    const ending = streamEnding(principal, [servedBy(context)?.closing, callerOf(context)?.removed]);
    const response = streamResponse(source, {
      timers: runtime.timers,
      ending: ending.signal,
      onEnded: () => {
        ending.forget();
        release();
      },
      onFailed(err) {
        onGap("failed");
        logger.warn({ err, request_id: requestIdOf(context) }, "a stream ended: it cannot be read");
      },
    });
    // Nobody will read the body of an answer to HEAD.
    if (context.req.raw.method === "HEAD") void response.body?.cancel();
    return response;
  }

  /** Answers with what gives it back, once. */
  #takePlace(stream: StreamName, client: string | undefined): () => void {
    const giveBack = this.#shareOf(client);
    if (giveBack instanceof HawserError) {
      this.#tell((observer) => observer.refused(stream, giveBack.code));
      throw giveBack;
    }
    this.#count(stream, 1);
    let given = false;
    return () => {
      if (!given) this.#count(stream, -1);
      given = true;
      giveBack();
    };
  }

  #shareOf(client: string | undefined): (() => void) | HawserError {
    const { principal, maxStreams } = this.#parts;
    if (principal.state === "draining")
      return new HawserError(
        "draining",
        "this principal lets everybody go; come back, or follow the next one",
      );
    const open = Object.values(this.#open).reduce((sum, count) => sum + count, 0);
    const remedy = "close one, or raise maxStreams";
    if (open >= maxStreams)
      return new HawserError("overloaded", `${maxStreams} streams are open already; ${remedy}`);
    const what = `this client has ${this.#maxPerClient} streams open, half of all there may be`;
    return this.#shares.take(client) ?? new HawserError("overloaded", `${what}; ${remedy}`);
  }

  #count(stream: StreamName, by: 1 | -1): void {
    this.#open[stream] += by;
    this.#tell((observer) => observer.open(stream, this.#open[stream]));
  }

  #tell(what: (observer: StreamObserver) => void): void {
    const { observer, logger } = this.#parts;
    if (observer !== undefined) tellObserver(() => what(observer), logger);
  }
}

/**
 * When a stream is to end: when the principal lets everybody go, or with one of the signals, such as
 * the server's that closes, or that of a token that was removed. Call `forget` once the stream has ended.
 */
function streamEnding(
  principal: Pick<Principal, "status">,
  signals: readonly (AbortSignal | undefined)[],
): { readonly signal: AbortSignal; forget(): void } {
  const ending = new AbortController();
  const following = new AbortController();
  const end = (): void => ending.abort();
  for (const signal of signals) {
    if (signal?.aborted === true) end();
    signal?.addEventListener("abort", end);
  }
  void followUntilOver(principal, following.signal).then(end);
  return {
    signal: ending.signal,
    forget() {
      following.abort();
      for (const signal of signals) signal?.removeEventListener("abort", end);
    },
  };
}

/** A principal that is stopped when the stream begins is one that has not started yet. */
async function followUntilOver(principal: Pick<Principal, "status">, signal: AbortSignal): Promise<void> {
  let begun = false;
  for await (const { kind } of principal.status({ signal })) {
    if (kind === "draining" || (kind === "stopped" && begun)) return;
    begun = true;
  }
}
