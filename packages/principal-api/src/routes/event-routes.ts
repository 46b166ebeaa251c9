import { decodeHttpBatch, decodeHttpEvent, isBatch, MAX_BATCH_BYTES } from "@hawser/http-binding";
import type { Accepted, Principal, PrincipalObserver } from "@hawser/principal";
import { HawserError, type EventDraft } from "@hawser/protocol";
import { tellObserver, type Logger } from "@hawser/runtime";
import type { Hono } from "hono";
import { EVENT_BODIES, EVENT_ERRORS, SentEvents } from "../openapi/event-schemas.js";
import { operation } from "../openapi/operation.js";
import { problemOf, type Problem } from "../http/problem.js";
import { readBody } from "../http/request-body.js";
import { requestIdOf } from "../http/request-id.js";
import { readThroughSdk } from "../http/sdk-event.js";
import { TRACE_HEADERS, traceOf } from "../http/request-trace.js";
import { pathParameter, route } from "./routes.js";

/** Events for an agent by the CloudEvents HTTP binding. The answer comes once what is accepted is on disk. */
export function eventRoutes(
  app: Hono,
  principal: Pick<Principal, "publish">,
  observer: Pick<PrincipalObserver, "rejected">,
  logger: Logger,
): void {
  function refused(agent: string, thrown: unknown): HawserError {
    const error = HawserError.from(thrown);
    tellObserver(() => observer.rejected?.(agent, error.code), logger);
    return error;
  }

  /** What is no event, or no batch, never reaches the principal, so it is counted here. */
  async function reading<T>(agent: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (thrown) {
      throw refused(agent, thrown);
    }
  }

  async function sendOne(agent: string, request: Request): Promise<Accepted> {
    const event = await reading(agent, async () =>
      decodeHttpEvent(request.headers, await readBody(request), readThroughSdk),
    );
    return publish(agent, event, request);
  }

  /** Handed over in order and all at once, so that the store commits them together. */
  async function sendBatch(agent: string, request: Request, requestId: string): Promise<readonly unknown[]> {
    const batch = await reading(agent, async () =>
      decodeHttpBatch(request.headers, await readBody(request, MAX_BATCH_BYTES), readThroughSdk),
    );
    const answered = async (
      item: EventDraft | HawserError,
    ): Promise<Accepted | { readonly error: Problem }> => {
      try {
        if (item instanceof HawserError) throw refused(agent, item);
        return await publish(agent, item, request);
      } catch (thrown) {
        return { error: problemOf(HawserError.from(thrown), logger, requestId) };
      }
    };
    return Promise.all(batch.map(answered));
  }

  async function publish(agent: string, event: EventDraft, { headers }: Request): Promise<Accepted> {
    // CloudEvents names an event by its source and id, so a publisher that repeats a request repeats the key.
    const idempotencyKey = JSON.stringify([event.source, event.id]);
    const options = { idempotencyKey, ...traceOf(headers) };
    const { resourceid, eventid, duplicate } = await principal.publish(agent, event, options);
    return { resourceid, eventid, duplicate };
  }

  route(app, "/v1/agents/:agent/events", {
    POST: operation(
      {
        id: "sendEvent",
        tag: "Events",
        summary: "Send CloudEvents to an agent",
        description:
          "The CloudEvents HTTP binding 1.0.2: structured, batched, or binary with the attributes as `ce-*` headers and the data as the body. Answers once what is accepted is on disk. The same `source` and `id` are accepted once. Each event of a batch is accepted or refused by itself.",
        headers: TRACE_HEADERS,
        rawBody: EVENT_BODIES,
        answers: { 202: { description: "On disk.", content: { "application/json": SentEvents } } },
        errors: EVENT_ERRORS,
      },
      async (context) => {
        const agent = pathParameter(context, "agent");
        const request = context.req.raw;
        if (!isBatch(request.headers)) return context.json(await sendOne(agent, request), 202);
        return context.json({ items: await sendBatch(agent, request, requestIdOf(context)) }, 202);
      },
    ),
  });
}
