import type { Principal } from "@hawser/principal";
import { checkAgentName, HawserError, parseVersion } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import { z } from "zod";
import type { EventLog } from "../event-log/event-log.js";
import { about } from "../openapi/api-schema.js";
import { logOf, RECORDED_QUERY, recordedFilter } from "../routes/agent-event-routes.js";
import { AGENTS_QUERY } from "../routes/agent-list.js";
import type { Serve } from "../routes/routes.js";
import { AgentChangeLog } from "./agent-change-log.js";
import { AgentStreamSource } from "./agent-source.js";
import { EventJournal } from "./event-journal.js";
import { EventStreamSource } from "./event-source.js";
import { OpenStreams, type OpenStreamsParts } from "./open-streams.js";
import { OutputStreamSource } from "./output-source.js";
import { OutputWatches } from "./output-watches.js";
import { RecordedStreamSource } from "./recorded-source.js";

/** Streams that are open at once, of all kinds together: each may keep a connection and a walk through the agents busy. */
export const DEFAULT_MAX_STREAMS = 100;

export interface StreamRoutesParts extends OpenStreamsParts {
  readonly principal: Pick<Principal, "agent" | "agents" | "observe" | "resources" | "state" | "status">;
  readonly eventLog: EventLog | undefined;
}

const ANSWERS = {
  200: {
    description: "Server-sent events, until the reader or the principal goes.",
    content: { "text/event-stream": z.string() },
  },
} as const;
const HEADERS = {
  "last-event-id": "The `id` of the last event that was read; the stream goes on behind it.",
} as const;
const ERRORS = ["overloaded", "draining"] as const;

/** What happens, as it happens (server-sent events, HTML Standard, section 9.2). */
export function streamRoutes(serve: Serve, parts: StreamRoutesParts): void {
  const { principal, runtime, eventLog } = parts;
  const streams = new OpenStreams(parts);
  eventStream(serve, streams, principal, runtime);
  recordedStream(serve, streams, eventLog);
  outputStream(serve, streams, principal, runtime);
  agentStream(serve, streams, principal, runtime);
}

function eventStream(
  serve: Serve,
  streams: OpenStreams,
  principal: Pick<Principal, "observe">,
  runtime: Runtime,
): void {
  const journal = new EventJournal(runtime);
  principal.observe(journal.observer);
  serve("GET", "/v1/streams/events", {
    id: "streamEvents",
    summary: "Follow the steps in the life of events",
    description:
      "One server-sent event for each step: `accepted`, `sent`, `acked`, `nacked`, `dead_letter` of events for agents, `applied`, `skipped`, `refused` of events from them. The last 10,000 are remembered: with `Last-Event-ID` the stream goes on behind it, or says `gap` and tells all there are. A reader that is too slow hears `lagged`, and the stream ends; it may resume.",
    query: z.object({ agent: about("Steps of this agent alone.", z.string().optional()) }),
    headers: HEADERS,
    answers: ANSWERS,
    errors: [...ERRORS, "invalid_agent_name"],
    handle: (context, { query: { agent } }) => {
      if (agent !== undefined) checkAgentName(agent);
      return streams.answer(
        "events",
        context,
        (lastEventId, onGap) => new EventStreamSource(journal, { agent, lastEventId, onGap }),
      );
    },
  });
}

function recordedStream(serve: Serve, streams: OpenStreams, eventLog: EventLog | undefined): void {
  serve("GET", "/v1/streams/agent-events", {
    id: "streamAgentEvents",
    summary: "Follow the events that agents sent",
    description:
      "A `recorded` event for each, once it is on disk. Without `Last-Event-ID` from behind `after`, or else from now on; with it from behind that event, over restarts of the principal as well. A reader that may have missed events, because the log let go of them, hears `gap` first.",
    query: RECORDED_QUERY.extend({
      after: about("The position to begin behind; 0 is the oldest there is.", z.string().optional()),
    }),
    headers: HEADERS,
    answers: ANSWERS,
    errors: [...ERRORS, "not_found", "invalid_agent_name", "invalid_eventid"],
    handle: (context, { query }) => {
      const log = logOf(eventLog);
      const after = positionIn(query.after);
      const filter = recordedFilter(query);
      return streams.answer(
        "agent_events",
        context,
        (lastEventId, onGap) => new RecordedStreamSource(log, { filter, lastEventId, after, onGap }),
      );
    },
  });
}

function positionIn(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  return after === "0" ? 0 : parseVersion(after);
}

const OUTPUT_QUERY = z.object({
  follow: about(
    "`false`: the stream ends when all there is has been told. Default `true`.",
    z.enum(["true", "false"]).optional(),
  ),
  tail: about(
    "So many of the last lines to begin with; default: all that the agent has kept.",
    z
      .string()
      .regex(/^\d{1,6}$/)
      .optional(),
  ),
});

/** What a resource writes, such as the output of a Task, as it is written. */
function outputStream(
  serve: Serve,
  streams: OpenStreams,
  principal: Pick<Principal, "agent" | "observe" | "resources">,
  runtime: Runtime,
): void {
  const watches = new OutputWatches({ principal, runtime });
  principal.observe(watches.observer);
  serve("GET", "/v1/streams/agents/:agent/resources/:kind/:name/output", {
    id: "streamOutput",
    summary: "Follow what a resource writes",
    description:
      "The lines of a Task: what its agent has kept (64 KiB by default), then what comes, within a second or so. `output` has lines, `gap` says how much was left out, `waiting` why nothing comes, `synced` that all there was has been told. `refused` and `gone` are the last. While somebody reads, the agent shows the lines in the status of the resource (`output`), and nobody else is told. With `Last-Event-ID` the stream goes on behind it.",
    query: OUTPUT_QUERY,
    headers: HEADERS,
    answers: ANSWERS,
    errors: [...ERRORS, "not_found", "invalid_agent_name", "store_unavailable"],
    handle: async (context, { path, query }) => {
      const { agent, kind, name } = path;
      if ((await principal.resources.get(agent, kind, name)) === undefined)
        throw new HawserError("not_found", `agent ${agent} has no ${kind}/${name}`, { agent });
      return streams.answer("output", context, (lastEventId, onGap) => {
        const follow = query.follow !== "false";
        const tail = query.tail === undefined ? undefined : Number(query.tail);
        const onLost = (): void => onGap("lagged");
        return new OutputStreamSource(watches.watch(path), { follow, tail, lastEventId, onGap: onLost });
      });
    },
  });
}

function agentStream(
  serve: Serve,
  streams: OpenStreams,
  principal: Pick<Principal, "agent" | "agents" | "observe">,
  runtime: Runtime,
): void {
  let changes: AgentChangeLog | undefined;
  /** Changes are written down from when somebody first asked for them. */
  function changeLog(): AgentChangeLog {
    if (changes !== undefined) return changes;
    changes = new AgentChangeLog(runtime);
    principal.observe(changes.observer);
    return changes;
  }

  serve("GET", "/v1/streams/agents", {
    id: "streamAgents",
    summary: "Follow the agents",
    description:
      "An `agent` event for each agent of interest, then `synced`, then `agent` whenever one changed, a few times a second at most for each, and `gone` when one is not of interest any more. With a known `Last-Event-ID` only what changed since comes before `synced`; with an unknown one `reset`, and everything anew.",
    query: AGENTS_QUERY.pick({ state: true, name: true }),
    headers: HEADERS,
    answers: ANSWERS,
    errors: [...ERRORS, "store_unavailable"],
    handle: (context, { query: { state, name: prefix = "" } }) =>
      streams.answer("agents", context, (lastEventId, onGap) => {
        return new AgentStreamSource(principal, changeLog(), { prefix, state, lastEventId, onGap });
      }),
  });
}
