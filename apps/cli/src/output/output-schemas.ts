import { z } from "zod";
import {
  acceptedSchema,
  agentSchema,
  batchItemSchema,
  deadLetterSchema,
  drainSchema,
  eventStepSchema,
  EVENT_STEPS,
  purgedSchema,
  recordedSchema,
  removedAgentSchema,
  resourceSchema,
  sinkDeadLetterSchema,
  sinkSchema,
  sinkTestSchema,
  statusSchema,
} from "../api/schemas.js";
import { logLineSchema } from "./output-printer.js";
import { agentChangeSchema } from "../watch/agent-change.js";
import { resourceChangeSchema } from "../watch/resource-change.js";

const rates = z.object({
  acceptedPerSecond: z.number(),
  sentPerSecond: z.number(),
  ackedPerSecond: z.number(),
  resentPerSecond: z.number(),
});
const explanation = z.object({ code: z.string(), happened: z.string(), todo: z.string() });
const context = z.object({
  name: z.string(),
  current: z.boolean(),
  server: z.string(),
  tokenFile: z.string().optional(),
  caFile: z.string().optional(),
  tokenEnv: z.string().optional(),
});
const named = { agent: z.string(), kind: z.string(), name: z.string() };

const applied = resourceSchema.extend({
  result: z.enum(["created", "updated", "unchanged", "pruned"]),
  dryRun: z.literal(true).optional(),
});

/**
 * What each command prints with `--output json` (and, the same, `yaml`; lists line by line with `jsonl`). This is a contract: a field may be added, none is
 * renamed or removed without a new major version. `schema/output.json` is the same as JSON Schema.
 */
export const OUTPUT_SCHEMAS = {
  /** Of any command that fails, on standard error. `code`: of the principal's answer. */
  error: z.object({
    error: z.object({ message: z.string(), exitCode: z.int(), code: z.string().optional() }),
  }),
  apply: z.array(applied),
  diff: z.array(
    z.object({
      ...named,
      /** `live`: the agent does not have it as it is wanted; `message` says how. */
      change: z.enum(["create", "update", "prune", "live"]),
      message: z.string().optional(),
      from: z.json().optional(),
      to: z.json().optional(),
    }),
  ),
  export: z.array(z.object({ ...named, spec: z.json() })),
  get: z.union([z.array(resourceSchema), resourceSchema]),
  /** Each line by itself, whatever the format. */
  "get --watch": resourceChangeSchema,
  edit: z.array(applied),
  describe: z.union([
    z.object({
      agent: agentSchema,
      resources: z.array(resourceSchema),
      deadLetters: z.array(deadLetterSchema),
    }),
    z.object({ resource: resourceSchema, deadLetters: z.array(deadLetterSchema) }),
  ]),
  delete: z.array(resourceSchema),
  wait: z.array(z.object({ reference: z.string(), condition: z.string() })),
  adopt: z.object({ directory: z.string(), store: z.string() }),
  agents: z.array(agentSchema),
  "agents --removed": z.array(removedAgentSchema),
  /** Of `readmit` as well. */
  "agents remove": z.array(z.object({ agent: z.string() })),
  "agents purge": purgedSchema.extend({ agent: z.string() }),
  /** Each line by itself, whatever the format. */
  "agents --watch": agentChangeSchema,
  /** Each line by itself, whatever the format. */
  events: eventStepSchema.extend({ step: z.enum(EVENT_STEPS), id: z.string().optional() }),
  /** Each line by itself, whatever the format. */
  "events --recorded": recordedSchema,
  /** Each line by itself, whatever the format. */
  logs: logLineSchema,
  send: z.union([acceptedSchema, z.array(batchItemSchema)]),
  top: z.object({
    at: z.string(),
    status: statusSchema,
    agents: z.array(agentSchema.extend({ rates: rates.optional() })),
    rates: rates.optional(),
    ackP50Ms: z.number().optional(),
    ackP99Ms: z.number().optional(),
  }),
  status: statusSchema,
  drain: drainSchema,
  "sinks list": z.array(sinkSchema),
  /** Of `add`, `pause` and `resume` as well. */
  "sinks show": sinkSchema,
  "sinks test": sinkTestSchema,
  "sinks remove": z.array(z.object({ sink: z.string() })),
  "sinks dead-letters": z.array(sinkDeadLetterSchema),
  /** Of `discard` as well. */
  "sinks requeue": z.array(z.object({ sink: z.string(), id: z.string() })),
  "dead-letters list": z.array(deadLetterSchema),
  "dead-letters requeue": z.array(acceptedSchema.extend({ agent: z.string() })),
  "dead-letters discard": z.array(z.object({ agent: z.string(), eventid: z.string() })),
  doctor: z.array(
    z.object({
      name: z.string(),
      result: z.enum(["ok", "warn", "fail"]),
      detail: z.string(),
      fix: z.string().optional(),
    }),
  ),
  explain: z.union([z.array(explanation), explanation]),
  "context list": z.array(context),
  "context show": z.union([
    context,
    z.object({ server: z.string(), origin: z.string(), token: z.boolean(), configFile: z.string() }),
  ]),
} as const;
