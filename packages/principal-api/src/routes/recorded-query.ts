import { checkAgentName, HawserError } from "@hawser/protocol";
import { z } from "zod";
import type { EventFilter } from "../event-log/event-filter.js";
import type { EventLog } from "../event-log/event-log.js";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import { jsonMembers } from "../sinks/sink-event.js";
import { about, named } from "../openapi/api-schema.js";
import { time } from "../openapi/view-schemas.js";

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

export const Recorded = named(
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

export function recordedJson({ position, agent, recordedAt, event }: RecordedEvent): Record<string, unknown> {
  return {
    position: String(position),
    agent,
    recordedAt: new Date(recordedAt).toISOString(),
    event: jsonMembers(event),
  };
}
