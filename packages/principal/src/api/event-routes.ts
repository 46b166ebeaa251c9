import { HawserError, type EventDraft } from "@hawser/protocol";
import type { Hono } from "hono";
import type { Principal } from "../principal.js";
import type { PrincipalObserver } from "../principal-observer.js";
import { decodeHttpEvent } from "./http-event.js";
import { readBody } from "./request-body.js";
import { operation } from "./operation.js";
import { pathParameter, route } from "./routes.js";
import { Accepted } from "./view-schemas.js";
import { EVENT_BODIES, EVENT_ERRORS } from "./event-schemas.js";

/** Events for an agent by the CloudEvents HTTP binding. The answer comes once the event is on disk. */
export function eventRoutes(
  app: Hono,
  principal: Pick<Principal, "publish">,
  observer: Pick<PrincipalObserver, "rejected">,
): void {
  /** What is no event never reaches the principal, so it is counted here. */
  async function readEvent(agent: string, request: Request): Promise<EventDraft> {
    try {
      return decodeHttpEvent(request.headers, await readBody(request));
    } catch (error) {
      observer.rejected?.(agent, HawserError.from(error).code);
      throw error;
    }
  }

  route(app, "/v1/agents/:agent/events", {
    POST: operation(
      {
        id: "sendEvent",
        tag: "Events",
        summary: "Send a CloudEvent to an agent",
        description:
          "The CloudEvents HTTP binding 1.0.2: structured, or binary with the attributes as `ce-*` headers and the data as the body. Answers once the event is on disk. The same `source` and `id` are accepted once.",
        rawBody: EVENT_BODIES,
        answers: { 202: { description: "On disk.", content: { "application/json": Accepted } } },
        errors: EVENT_ERRORS,
      },
      async (context) => {
        const agent = pathParameter(context, "agent");
        const event = await readEvent(agent, context.req.raw);
        // CloudEvents names an event by its source and id, so a publisher that repeats a request repeats the key.
        const idempotencyKey = JSON.stringify([event.source, event.id]);
        const { resourceid, eventid, duplicate } = await principal.publish(agent, event, { idempotencyKey });
        return context.json({ resourceid, eventid, duplicate }, 202);
      },
    ),
  });
}
