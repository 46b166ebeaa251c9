import type { Principal } from "@hawser/principal";
import { checkAgentName, HawserError, parseVersion } from "@hawser/protocol";
import type { EventLog } from "../event-log/event-log.js";
import { type Logger, type Runtime, tellObserver } from "@hawser/runtime";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { AGENTS_QUERY } from "../routes/agent-list.js";
import { about } from "../openapi/api-schema.js";
import { callerOf } from "../access/callers.js";
import { clientOf } from "../http/client-shares.js";
import { operation } from "../openapi/operation.js";
import { requestIdOf } from "../http/request-id.js";
import { route } from "../routes/routes.js";
import { logOf, RECORDED_QUERY, recordedFilter } from "../routes/recorded-query.js";
import { servedBy } from "../http/served-by.js";
import { AgentChangeLog } from "./agent-change-log.js";
import { AgentStreamSource } from "./agent-source.js";
import { EventJournal } from "./event-journal.js";
import { EventStreamSource } from "./event-source.js";
import { outputRoute } from "./output-routes.js";
import { RecordedStreamSource } from "./recorded-source.js";
import { streamEnding } from "./stream-ending.js";
import { streamResponse } from "./stream-response.js";
import type { StreamGap, StreamName, StreamObserver } from "./stream-observer.js";
import { StreamSlots } from "./stream-slots.js";
import type { StreamSource } from "./stream-source.js";

/** Streams that are open at once, of all kinds together: each may keep a connection and a walk through the agents busy. */
export const DEFAULT_MAX_STREAMS = 100;

export interface StreamRoutesParts {
  readonly principal: Pick<Principal, "agent" | "agents" | "observe" | "resources" | "state" | "status">;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly maxStreams: number;
  readonly eventLog: EventLog | undefined;
  readonly observer: StreamObserver | undefined;
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
export function streamRoutes(app: Hono, parts: StreamRoutesParts): void {
  const { principal, runtime, logger, maxStreams } = parts;
  const tell = (what: (observer: StreamObserver) => void): void => {
    const { observer } = parts;
    if (observer !== undefined) tellObserver(() => what(observer), logger);
  };
  const slots = new StreamSlots(maxStreams, (stream, count) =>
    tell((observer) => observer.open(stream, count)),
  );
  const journal = new EventJournal(runtime);
  principal.observe(journal.observer);
  let changes: AgentChangeLog | undefined;

  /** Changes are written down from when somebody first asked for them. */
  function changeLog(): AgentChangeLog {
    if (changes !== undefined) return changes;
    changes = new AgentChangeLog(runtime);
    principal.observe(changes.observer);
    return changes;
  }

  function takeSlot(stream: StreamName, client: string | undefined): () => void {
    try {
      if (principal.state !== "draining") return slots.take(stream, client);
      throw new HawserError(
        "draining",
        "this principal lets everybody go; come back, or follow the next one",
      );
    } catch (thrown) {
      tell((observer) => observer.refused(stream, HawserError.from(thrown).code));
      throw thrown;
    }
  }

  function answer(
    stream: StreamName,
    context: Context,
    open: (lastEventId: string | undefined) => StreamSource,
  ): Response {
    const release = takeSlot(stream, clientOf(context));
    const source = open(context.req.header("last-event-id"));
    const ending = streamEnding(principal, [servedBy(context)?.closing, callerOf(context)?.removed]);
    const response = streamResponse(source, {
      timers: runtime.timers,
      ending: ending.signal,
      onEnded: () => {
        ending.forget();
        release();
      },
      onFailed(err) {
        tell((observer) => observer.gap(stream, "failed"));
        logger.warn({ err, request_id: requestIdOf(context) }, "a stream ended: it cannot be read");
      },
    });
    // Nobody will read the body of an answer to HEAD.
    if (context.req.raw.method === "HEAD") void response.body?.cancel();
    return response;
  }

  route(app, "/v1/streams/events", {
    GET: operation(
      {
        id: "streamEvents",
        tag: "Streams",
        summary: "Follow the steps in the life of events",
        description:
          "One server-sent event for each step: `accepted`, `sent`, `acked`, `nacked`, `dead_letter` of events for agents, `applied`, `skipped`, `refused` of events from them. The last 10,000 are remembered: with `Last-Event-ID` the stream goes on behind it, or says `gap` and tells all there are. A reader that is too slow hears `lagged`, and the stream ends; it may resume.",
        query: z.object({ agent: about("Steps of this agent alone.", z.string().optional()) }),
        headers: HEADERS,
        answers: ANSWERS,
        errors: [...ERRORS, "invalid_agent_name"],
      },
      (context, { query: { agent } }) => {
        if (agent !== undefined) checkAgentName(agent);
        const onGap = (reason: StreamGap): void => tell((observer) => observer.gap("events", reason));
        return answer(
          "events",
          context,
          (lastEventId) => new EventStreamSource(journal, { agent, lastEventId, onGap }),
        );
      },
    ),
  });

  route(app, "/v1/streams/agent-events", {
    GET: operation(
      {
        id: "streamAgentEvents",
        tag: "Streams",
        summary: "Follow the events that agents sent",
        description:
          "A `recorded` event for each, once it is on disk. Without `Last-Event-ID` from behind `after`, or else from now on; with it from behind that event, over restarts of the principal as well. A reader that may have missed events, because the log let go of them, hears `gap` first.",
        query: RECORDED_QUERY.extend({
          after: about("The position to begin behind; 0 is the oldest there is.", z.string().optional()),
        }),
        headers: HEADERS,
        answers: ANSWERS,
        errors: [...ERRORS, "not_found", "invalid_agent_name", "invalid_eventid"],
      },
      (context, { query }) => {
        const log = logOf(parts.eventLog);
        const after =
          query.after === undefined || query.after === "0" ? query.after : parseVersion(query.after);
        const filter = recordedFilter(query);
        const onGap = (reason: StreamGap): void => tell((observer) => observer.gap("agent_events", reason));
        return answer(
          "agent_events",
          context,
          (lastEventId) =>
            new RecordedStreamSource(log, {
              filter,
              lastEventId,
              after: after === undefined ? undefined : Number(after),
              onGap,
            }),
        );
      },
    ),
  });

  outputRoute(app, {
    principal,
    runtime,
    answer: (context, open) => answer("output", context, open),
    onGap: (reason) => tell((observer) => observer.gap("output", reason)),
  });

  route(app, "/v1/streams/agents", {
    GET: operation(
      {
        id: "streamAgents",
        tag: "Streams",
        summary: "Follow the agents",
        description:
          "An `agent` event for each agent of interest, then `synced`, then `agent` whenever one changed, a few times a second at most for each, and `gone` when one is not of interest any more. With a known `Last-Event-ID` only what changed since comes before `synced`; with an unknown one `reset`, and everything anew.",
        query: AGENTS_QUERY.pick({ state: true, name: true }),
        headers: HEADERS,
        answers: ANSWERS,
        errors: [...ERRORS, "store_unavailable"],
      },
      (context, { query: { state, name = "" } }) =>
        answer(
          "agents",
          context,
          (lastEventId) =>
            new AgentStreamSource(principal, changeLog(), {
              prefix: name,
              state,
              lastEventId,
              onGap: (reason) => tell((observer) => observer.gap("agents", reason)),
            }),
        ),
    ),
  });
}
