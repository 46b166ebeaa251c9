import { checkAgentName, HawserError, parseVersion } from "@hawser/protocol";
import { z } from "zod";
import type { EventFilter } from "../event-log/event-filter.js";
import type { EventLog } from "../event-log/event-log.js";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import { jsonMembers } from "../sinks/sink-event.js";
import { about, named } from "../openapi/api-schema.js";
import { json } from "../openapi/operation.js";
import { page, time } from "../openapi/view-schemas.js";
import { PAGE_QUERY } from "../http/query.js";
import type { Serve } from "./routes.js";

const Pattern = z.string().min(1).max(256);

/** Which events of the log are of interest. */
export const RECORDED_QUERY = z.object({
  agent: about("Those of this agent alone.", z.string().optional()),
  type: about("Of this type alone; `*` stands for any characters.", Pattern.optional()),
  source: about("From this source alone; `*` stands for any characters.", Pattern.optional()),
});

/** @throws HawserError `invalid_agent_name` */
export function recordedFilter({ agent, type, source }: z.output<typeof RECORDED_QUERY>): EventFilter {
  if (agent !== undefined) checkAgentName(agent);
  const only = (text: string | undefined): readonly string[] => (text === undefined ? [] : [text]);
  return { types: only(type), sources: only(source), agents: only(agent) };
}

/** @throws HawserError `not_found` where there is none */
export function logOf(log: EventLog | undefined): EventLog {
  if (log !== undefined) return log;
  throw new HawserError("not_found", "this principal keeps no log of what agents send");
}

const Recorded = named(
  "RecordedEvent",
  "An event that an agent sent.",
  z.object({
    position: about("Its place in the log.", z.string().regex(/^\d+$/)),
    agent: z.string(),
    recordedAt: time("When it was on disk."),
    event: about(
      "The CloudEvent, with the `eventid` that its agent gave it.",
      z.looseObject({ id: z.string() }),
    ),
  }),
);

const RecordedPage = page("RecordedPage", Recorded);

export function recordedJson({ position, agent, recordedAt, event }: RecordedEvent): Record<string, unknown> {
  return {
    position: String(position),
    agent,
    recordedAt: new Date(recordedAt).toISOString(),
    event: jsonMembers(event),
  };
}

/** The log of what agents sent. */
export function agentEventRoutes(serve: Serve, log: EventLog | undefined): void {
  serve("GET", "/v1/agent-events", {
    id: "listAgentEvents",
    summary: "List the events that agents sent",
    description:
      "Oldest first, statuses apart, for as long as the log keeps them. A page may hold fewer than asked for, and even none, although there are more: `next` tells.",
    query: RECORDED_QUERY.extend(PAGE_QUERY),
    answers: { 200: json("A page of events.", RecordedPage) },
    errors: ["not_found", "invalid_agent_name", "invalid_eventid", "store_unavailable"],
    handle: async (context, { query }) => {
      const { limit, after } = query;
      const { items, through, hasMore } = await logOf(log).read({
        after: after === undefined ? 0 : parseVersion(after),
        limit,
        filter: recordedFilter(query),
      });
      return context.json({ items: items.map(recordedJson), next: hasMore ? String(through) : null });
    },
  });
}
