import type { Hono } from "hono";
import type { Principal } from "../principal.js";
import { decodeHttpEvent } from "./http-event.js";
import { readBody } from "./request-body.js";
import { pathParameter, route } from "./routes.js";

/** Events for an agent by the CloudEvents HTTP binding. The answer comes once the event is on disk. */
export function eventRoutes(app: Hono, principal: Pick<Principal, "publish">): void {
  route(app, "/v1/agents/:agent/events", {
    POST: async (context) => {
      const agent = pathParameter(context, "agent");
      const event = decodeHttpEvent(context.req.raw.headers, await readBody(context.req.raw));
      // CloudEvents names an event by its source and id, so a publisher that repeats a request repeats the key.
      const idempotencyKey = JSON.stringify([event.source, event.id]);
      const { resourceid, eventid, duplicate } = await principal.publish(agent, event, { idempotencyKey });
      return context.json({ resourceid, eventid, duplicate }, 202);
    },
  });
}
