import { parseVersion } from "@hawser/protocol";
import type { Hono } from "hono";
import type { EventLog } from "../event-log/event-log.js";
import { operation } from "../openapi/operation.js";
import { PAGE_QUERY } from "../http/query.js";
import { logOf, Recorded, RECORDED_QUERY, recordedFilter, recordedJson } from "./recorded-query.js";
import { route } from "./routes.js";
import { page } from "../openapi/view-schemas.js";

const RecordedPage = page("RecordedPage", Recorded);

/** What agents sent. */
export function agentEventRoutes(app: Hono, log: EventLog | undefined): void {
  route(app, "/v1/agent-events", {
    GET: operation(
      {
        id: "listAgentEvents",
        tag: "Events",
        summary: "List the events that agents sent",
        description:
          "Oldest first, statuses apart, for as long as the log keeps them. A page may hold fewer than asked for, and even none, although there are more: `next` tells.",
        query: RECORDED_QUERY.extend(PAGE_QUERY),
        answers: {
          200: { description: "A page of events.", content: { "application/json": RecordedPage } },
        },
        errors: ["not_found", "invalid_agent_name", "invalid_eventid", "store_unavailable"],
      },
      async (context, { query }) => {
        const { limit, after } = query;
        const { items, through, hasMore } = await logOf(log).read({
          after: after === undefined ? 0 : parseVersion(after),
          limit,
          filter: recordedFilter(query),
        });
        return context.json({ items: items.map(recordedJson), next: hasMore ? String(through) : null });
      },
    ),
  });
}
