import { z } from "zod";

/** The answers of the HTTP API (API.md of @hawser/principal-api). Fields that are not known are passed on: a newer principal may say more. */
export const resourceSchema = z.looseObject({
  agent: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  state: z.string(),
  /** Why it is not acknowledged. */
  waiting: z
    .looseObject({
      reason: z.string(),
      message: z.string(),
      since: z.string().optional(),
      nextTryAt: z.string().optional(),
    })
    .optional(),
  version: z.string(),
  spec: z.json(),
  status: z.json().optional(),
  observedVersion: z.string().optional(),
  updatedAt: z.string().optional(),
  statusAt: z.string().optional(),
});
export type Resource = z.infer<typeof resourceSchema>;

const PUT_RESULTS = ["created", "updated", "unchanged"] as const;
export type PutResult = (typeof PUT_RESULTS)[number];
export const putAnswerSchema = resourceSchema.extend({
  result: z.enum(PUT_RESULTS),
  dryRun: z.boolean().optional(),
});
export const deleteAnswerSchema = resourceSchema.extend({ dryRun: z.boolean().optional() });

export const agentSchema = z.looseObject({
  name: z.string(),
  state: z.string(),
  reason: z.string(),
  session: z
    .looseObject({
      transport: z.string(),
      ageMs: z.number(),
      inFlight: z.number(),
      software: z.string(),
      epoch: z.number().optional(),
      address: z.string().optional(),
    })
    .optional(),
  lastSeenAt: z.string().optional(),
  lastAckAt: z.string().optional(),
  pending: z.number(),
  deadLetters: z.number(),
  /** Absent where the principal does not say. */
  everConnected: z.boolean().optional(),
});
export type Agent = z.infer<typeof agentSchema>;

export const removedAgentSchema = z.looseObject({ name: z.string(), removedAt: z.string() });
export type RemovedAgent = z.infer<typeof removedAgentSchema>;

export const purgedSchema = z.looseObject({ purged: z.number(), inFlight: z.number(), left: z.number() });
export type Purged = z.infer<typeof purgedSchema>;

export const deadLetterSchema = z.looseObject({
  agent: z.string(),
  resourceid: z.string(),
  eventid: z.string(),
  type: z.string(),
  subject: z.string().optional(),
  code: z.string(),
  message: z.string(),
  at: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

export const acceptedSchema = z.looseObject({
  resourceid: z.string(),
  eventid: z.string(),
  duplicate: z.boolean(),
});
export type Accepted = z.infer<typeof acceptedSchema>;

export const problemSchema = z.looseObject({
  type: z.string(),
  code: z.string().optional(),
  detail: z.string().optional(),
  title: z.string().optional(),
  requestId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** One item of the answer to a batch, in the order of the batch: accepted, or refused by itself. */
export const failedItemSchema = z.object({ error: problemSchema });
export const batchItemSchema = z.union([acceptedSchema, failedItemSchema]);
export type BatchItem = z.infer<typeof batchItemSchema>;

export const statusSchema = z.looseObject({
  state: z.string(),
  version: z.string(),
  protocolVersions: z.array(z.string()),
  startedAt: z.string(),
  address: z.unknown().optional(),
  agents: z.object({ connected: z.number(), known: z.number() }),
  pending: z.number(),
  deadLetters: z.number(),
  sessionsByTransport: z.record(z.string(), z.number()),
  /** Agents prove that the principal's store was rolled back. */
  rollback: z.looseObject({ agents: z.number(), message: z.string(), since: z.string() }).optional(),
});
export type Status = z.infer<typeof statusSchema>;

export const infoSchema = z.looseObject({
  version: z.string(),
  protocolVersions: z.array(z.string()),
  state: z.string(),
  certificates: z.array(z.looseObject({ port: z.string(), notAfter: z.string() })).optional(),
  /** Absent where the principal does not know. */
  openFiles: z.looseObject({ limit: z.number(), needed: z.number() }).optional(),
});
export type Info = z.infer<typeof infoSchema>;

/** A drain, as `/v1/drain` tells it. */
export const drainSchema = z.looseObject({
  state: z.string(),
  progress: z
    .object({
      shape: z.string(),
      reason: z.string(),
      sessions: z.number(),
      remaining: z.number(),
      unsettled: z.number(),
    })
    .optional(),
  report: z
    .object({
      shape: z.string(),
      sessions: z.number(),
      cutOff: z.number(),
      /** Absent where a drain cannot be taken back. */
      kept: z.number().optional(),
      unsettled: z.record(z.string(), z.number()),
      unsettledTotal: z.number(),
      durationMs: z.number(),
    })
    .optional(),
});
export type Drain = z.infer<typeof drainSchema>;

/** An event that an agent sent, as `GET /v1/agent-events` and its stream tell it. */
export const recordedSchema = z.looseObject({
  position: z.string(),
  agent: z.string(),
  recordedAt: z.string(),
  event: z.looseObject({
    id: z.string(),
    source: z.string(),
    type: z.string(),
    resourceid: z.string(),
    eventid: z.string(),
    data: z.json().optional(),
  }),
});
export type Recorded = z.infer<typeof recordedSchema>;

/** Where events of agents go. */
export const sinkSchema = z.looseObject({
  name: z.string(),
  target: z.looseObject({
    kind: z.string(),
    url: z.string().optional(),
    mode: z.string().optional(),
    path: z.string().optional(),
  }),
  filter: z.object({
    types: z.array(z.string()),
    sources: z.array(z.string()),
    agents: z.array(z.string()),
  }),
  state: z.string(),
  lag: z.number(),
  lagMs: z.number(),
  delivered: z.number(),
  failures: z.number(),
  deadLetters: z.number(),
  lastDeliveredAt: z.string().optional(),
  failure: z
    .looseObject({
      at: z.string(),
      message: z.string(),
      failing: z.number(),
      nextTryAt: z.string().optional(),
    })
    .optional(),
});
export type Sink = z.infer<typeof sinkSchema>;

export const sinkDeadLetterSchema = z.looseObject({
  id: z.string(),
  position: z.string(),
  agent: z.string(),
  resourceid: z.string(),
  eventid: z.string(),
  type: z.string(),
  message: z.string(),
  at: z.string(),
});
export type SinkDeadLetter = z.infer<typeof sinkDeadLetterSchema>;

export const sinkTestSchema = z.looseObject({
  ok: z.boolean(),
  message: z.string().optional(),
  durationMs: z.number(),
});
export type SinkTest = z.infer<typeof sinkTestSchema>;

/** A step in the life of an event, as `GET /v1/streams/events` tells it. */
export const eventStepSchema = z.looseObject({
  agent: z.string(),
  resourceid: z.string(),
  eventid: z.string(),
  type: z.string().optional(),
  attempt: z.number().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  latencyMs: z.number().optional(),
  at: z.string(),
});
export const EVENT_STEPS = [
  "accepted",
  "sent",
  "acked",
  "nacked",
  "dead_letter",
  "applied",
  "skipped",
  "refused",
] as const;
export type EventStepName = (typeof EVENT_STEPS)[number];
