import { z } from "zod";
import { sinkDefinitionSchema, WEBHOOK_MODES } from "../sinks/sink-definition.js";
import { about, named } from "./api-schema.js";
import { count, time } from "./view-schemas.js";

/** What a sink shall be. */
export const PutSinkBody = sinkDefinitionSchema;

const Patterns = z.array(z.string());

export const Sink = named(
  "Sink",
  "Where events of agents go, and how far that is.",
  z.object({
    name: z.string(),
    target: z.discriminatedUnion("kind", [
      z.object({
        kind: z.literal("webhook"),
        url: z.string(),
        mode: z.enum(WEBHOOK_MODES),
        isSigned: about("Whether requests are signed (Standard Webhooks).", z.boolean()),
        headers: about("The names of headers that are sent along.", z.array(z.string())),
        timeoutMs: count("How long a delivery may take."),
      }),
      z.object({
        kind: z.literal("file"),
        path: about("On the machine of the principal.", z.string()),
        maxBytes: count("A file of this size is closed, and a new one begun."),
        maxFiles: count("Files that are kept."),
      }),
    ]),
    filter: about(
      "Which events: one of each list has to match, and an empty list matches all.",
      z.object({ types: Patterns, sources: Patterns, agents: Patterns }),
    ),
    giveUpAfterMs: count("How long an event is tried that alone is refused."),
    state: about(
      "`failing`: its last delivery failed, and is tried again.",
      z.enum(["delivering", "failing", "paused"]),
    ),
    position: about("It needs nothing of the log up to here any more.", z.string().regex(/^\d+$/)),
    lag: count("Events of the log behind that, of interest or not."),
    oldestAt: time("When the oldest event that it may not have was recorded.").optional(),
    lagMs: count("How long ago that was; 0 when it has all."),
    delivered: count("Events, since the principal started."),
    failures: count("Deliveries that failed, since the principal started."),
    deadLetters: count("Events that were given up."),
    lastDeliveredAt: time("When it took something last, since the principal started.").optional(),
    failure: about(
      "The last failure, until something gets through.",
      z
        .object({
          at: time("When."),
          message: z.string(),
          failing: count("Events that failed since something got through."),
          nextTryAt: time("When the next try is due.").optional(),
        })
        .optional(),
    ),
  }),
);

export const SinkDeadLetter = named(
  "SinkDeadLetter",
  "An event that a sink gave up.",
  z.object({
    id: z.string(),
    position: about("In the log.", z.string()),
    agent: z.string(),
    resourceid: z.string(),
    eventid: z.string(),
    type: z.string(),
    source: z.string(),
    message: about("Why.", z.string()),
    at: time("When."),
  }),
);

export const SinkTestResult = named(
  "SinkTestResult",
  "What became of a test event.",
  z.object({
    ok: z.boolean(),
    message: about("Why not.", z.string().optional()),
    durationMs: count("How long it took."),
  }),
);
