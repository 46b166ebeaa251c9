import { z } from "zod";
import { about, named } from "./api-schema.js";
import { BATCH, MAX_BATCH_EVENTS } from "@hawser/http-binding";
import { Accepted, ProblemBody, time } from "./view-schemas.js";

/** What `checkDraft` takes, for people and generated clients: the check itself is the protocol's. */
const CloudEvent = named(
  "CloudEvent",
  "A CloudEvent 1.0 in JSON, for one agent.",
  z.looseObject({
    specversion: z.literal("1.0"),
    id: about("Unique within `source`; repeat it when you repeat the request.", z.string().min(1)),
    source: z.string().min(1),
    type: about("Your own; those that begin with `hawser.` are taken.", z.string().min(1)),
    resourceid: about("What the event is about: `<name>_<uid>`.", z.string()),
    subject: z.string().min(1).optional(),
    time: time("When it happened.").optional(),
    expirytime: time("After it a command is no longer worth delivering.").optional(),
    datacontenttype: z.string().optional(),
    dataschema: z.string().optional(),
    data: about("Any JSON.", z.unknown().optional()),
    data_base64: about("Bytes, in place of `data`.", z.base64().optional()),
  }),
);

export const EVENT_EXAMPLE = {
  specversion: "1.0",
  id: "1",
  source: "/example",
  type: "com.example.restart",
  resourceid: "web_1",
  data: { reason: "new certificate" },
} as const;

export const EVENT_BODIES = {
  "application/cloudevents+json": { schema: CloudEvent, example: EVENT_EXAMPLE },
  [BATCH]: {
    schema: about("Several events, in order.", z.array(CloudEvent).max(MAX_BATCH_EVENTS)),
    example: [EVENT_EXAMPLE, { ...EVENT_EXAMPLE, id: "2" }],
  },
  "*/*": { schema: about("The data of an event in binary mode.", z.unknown()) },
} as const;

const RefusedItem = named(
  "RefusedItem",
  "An event of a batch that was not accepted, with the problem it would have been answered with alone.",
  z.object({ error: ProblemBody }),
);

const BatchResult = named(
  "BatchResult",
  "What became of each event of a batch, in the order given.",
  z.object({ items: z.array(z.union([Accepted, RefusedItem])) }),
);

/** What one event is answered with, and what a batch is. */
export const SentEvents = z.union([Accepted, BatchResult]);

export const EVENT_ERRORS = [
  "invalid_event",
  "missing_resourceid",
  "invalid_eventid",
  "unknown_type",
  "invalid_agent_name",
  "expired",
  "conflict",
  "agent_removed",
  "event_too_large",
  ["invalid_event", 415],
  "mailbox_full",
  "store_full",
  "store_unavailable",
] as const;
