import { decodeHttpBatch, decodeHttpEvent, isBatch, MAX_BATCH_BYTES } from "@hawser/http-binding";
import type { Accepted, Principal, PrincipalObserver } from "@hawser/principal";
import { HawserError, type EventDraft } from "@hawser/protocol";
import { tellObserver, type Logger } from "@hawser/runtime";
import { EVENT_BODIES, EVENT_ERRORS, SentEvents } from "../openapi/event-schemas.js";
import { json } from "../openapi/operation.js";
import { readBody } from "../http/body.js";
import { problemOf, requestIdOf, TRACE_HEADERS, traceOf, type Problem } from "../http/request.js";
import { readThroughSdk } from "../http/sdk-event.js";
import type { Serve } from "./routes.js";

interface EventRouteParts {
  readonly principal: Pick<Principal, "publish">;
  readonly observer: Pick<PrincipalObserver, "rejected">;
  readonly logger: Logger;
}

/** Events for an agent by the CloudEvents HTTP binding. The answer comes once what is accepted is on disk. */
export function eventRoutes(serve: Serve, parts: EventRouteParts): void {
  const publisher = new HttpPublisher(parts);
  serve("POST", "/v1/agents/:agent/events", {
    id: "sendEvent",
    summary: "Send CloudEvents to an agent",
    description:
      "The CloudEvents HTTP binding 1.0.2: structured, batched, or binary with the attributes as `ce-*` headers and the data as the body. Answers once what is accepted is on disk. The same `source` and `id` are accepted once. Each event of a batch is accepted or refused by itself.",
    headers: TRACE_HEADERS,
    rawBody: EVENT_BODIES,
    answers: { 202: json("On disk.", SentEvents) },
    errors: EVENT_ERRORS,
    handle: async (context, { path: { agent } }) => {
      const request = context.req.raw;
      if (!isBatch(request.headers)) return context.json(await publisher.one(agent, request), 202);
      return context.json({ items: await publisher.batch(agent, request, requestIdOf(context)) }, 202);
    },
  });
}

/** Publishes the events of a request. */
class HttpPublisher {
  readonly #parts: EventRouteParts;

  constructor(parts: EventRouteParts) {
    this.#parts = parts;
  }

  async one(agent: string, request: Request): Promise<Accepted> {
    const event = await this.#reading(agent, async () =>
      decodeHttpEvent(request.headers, await readBody(request), readThroughSdk),
    );
    return this.#publish(agent, event, request);
  }

  /** Handed over in order and all at once, so that the store commits them together. */
  async batch(agent: string, request: Request, requestId: string): Promise<readonly unknown[]> {
    const batch = await this.#reading(agent, async () =>
      decodeHttpBatch(request.headers, await readBody(request, MAX_BATCH_BYTES), readThroughSdk),
    );
    const answered = async (item: EventDraft | HawserError): Promise<Accepted | { error: Problem }> => {
      try {
        if (item instanceof HawserError) throw this.#refused(agent, item);
        return await this.#publish(agent, item, request);
      } catch (thrown) {
        return { error: problemOf(HawserError.from(thrown), this.#parts.logger, requestId) };
      }
    };
    return Promise.all(batch.map(answered));
  }

  /** What is no event, or no batch, never reaches the principal, so it is counted here. */
  async #reading<T>(agent: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (thrown) {
      throw this.#refused(agent, thrown);
    }
  }

  #refused(agent: string, thrown: unknown): HawserError {
    const error = HawserError.from(thrown);
    const { observer, logger } = this.#parts;
    tellObserver(() => observer.rejected?.(agent, error.code), logger);
    return error;
  }

  async #publish(agent: string, event: EventDraft, { headers }: Request): Promise<Accepted> {
    // CloudEvents names an event by its source and id, so a publisher that repeats a request repeats the key.
    const idempotencyKey = JSON.stringify([event.source, event.id]);
    const options = { idempotencyKey, ...traceOf(headers) };
    const { resourceid, eventid, duplicate } = await this.#parts.principal.publish(agent, event, options);
    return { resourceid, eventid, duplicate };
  }
}
