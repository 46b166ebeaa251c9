import { ERROR_CODES } from "@hawser/protocol";
import { z } from "zod";
import { about, named } from "./api-schema.js";

export const RESOURCE_STATES = ["pending", "delivered", "refused", "purged", "deleting"] as const;
export const AGENT_STATES = ["connected", "disconnected"] as const;

/** RFC 3339, as `Date` writes it. */
export function time(description: string): z.ZodISODateTime {
  return about(description, z.iso.datetime());
}

export function count(description: string): z.ZodInt {
  return about(description, z.int().min(0));
}

const Json = z.unknown();

export const Agent = named(
  "Agent",
  "An agent as people see it.",
  z.object({
    name: z.string(),
    state: z.enum(AGENT_STATES),
    reason: about("Why it is in this state.", z.string()),
    session: z
      .object({
        id: z.string(),
        epoch: count("The fencing number: of two sessions, the higher one is the real one."),
        transport: z.string(),
        address: z.string(),
        internal: about("Whether it came in by the control plane's own port.", z.boolean()),
        software: z.string(),
        connectedAt: time("When its hello was accepted."),
        ageMs: about("Since then.", z.number().min(0)),
        inFlight: count("Events sent and not yet acknowledged."),
      })
      .optional(),
    lastSeenAt: time(
      "When anything was heard from it last, heartbeats among it, since this principal started.",
    ).optional(),
    lastAckAt: time("Its last ACK.").optional(),
    pending: count("Accepted events that it has not acknowledged."),
    deadLetters: count("Events that it refused for good, or that expired."),
    mailboxBytes: count("What its mailbox holds."),
    lastVersion: count("The newest version its mailbox gave."),
    everConnected: about(
      "False: nobody has ever come by this name, or not since it was removed.",
      z.boolean(),
    ),
  }),
);

const WAIT_REASONS = [
  "never_connected",
  "disconnected",
  "unanswered",
  "nacked",
  "window_full",
  "queued",
] as const;

const WAITING = z.object({
  reason: about(
    "`unanswered`: sent, and the agent may be applying it. `nacked`: the agent did not apply it for now. `window_full`: the agent has to answer for others first. `queued`: on its way.",
    z.enum(WAIT_REASONS),
  ),
  message: about("The same as a sentence.", z.string()),
  behind: about(
    "The `eventid` of an earlier event of the resource, or of the delete of the one before it under its name, that has to be answered first.",
    z.string().optional(),
  ),
  oldUid: about(
    "The uid of the resource of the same kind and name whose delete that is. `reason` tells what the delete waits for.",
    z.string().optional(),
  ),
  attempts: count("How often it was sent in this session.").optional(),
  since: time("When it was sent first, or when the agent was here last.").optional(),
  nextTryAt: time("When it is sent again.").optional(),
  refused: about(
    "The last refusal of this session.",
    z
      .object({
        times: count("How often."),
        code: z.enum(ERROR_CODES),
        message: about("At most 256 characters of it.", z.string()),
      })
      .optional(),
  ),
});

const RESOURCE_FIELDS = z.object({
  agent: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: about("Another one, under the same name, is another resource.", z.string()),
  state: about(
    "`pending`: not acknowledged. `delivered`: applied. `refused`: the agent will not have the newest spec. `purged`: thrown away before it was acknowledged. `deleting`: gone once acknowledged.",
    z.enum(RESOURCE_STATES),
  ),
  waiting: about("Why it is `pending` or `deleting`.", WAITING.optional()),
  version: about("`eventid` of the newest spec or delete.", z.string().regex(/^\d+$/)),
  spec: about("What is wanted: any JSON.", Json),
  status: about("What the agent reported last.", Json.optional()),
  observedVersion: about("The version that the status reflects.", z.string().optional()),
  updatedAt: time("When the newest version was accepted.").optional(),
  statusAt: time("When the agent reported.").optional(),
});

export const Resource = named(
  "Resource",
  "What is wanted of an agent, and what it made of it.",
  RESOURCE_FIELDS,
);

export const PutResult = named(
  "PutResult",
  "The resource after a PUT.",
  RESOURCE_FIELDS.extend({
    result: z.enum(["created", "updated", "unchanged"]),
    dryRun: about("Nothing was written.", z.literal(true).optional()),
  }),
);

export const DeleteResult = named(
  "DeleteResult",
  "The resource as its delete leaves it.",
  RESOURCE_FIELDS.extend({ dryRun: about("Nothing was written.", z.literal(true).optional()) }),
);

export const DeadLetter = named(
  "DeadLetter",
  "An event the agent refused for good, or that expired.",
  z.object({
    agent: z.string(),
    resourceid: z.string(),
    eventid: z.string(),
    type: z.string(),
    subject: z.string().optional(),
    code: about("Why: mostly a code of ours.", z.string()),
    message: z.string(),
    at: time("When it was given up."),
  }),
);

export const RemovedAgent = named(
  "RemovedAgent",
  "An agent that was removed, and is refused when it comes back.",
  z.object({ name: z.string(), removedAt: time("When it was removed.") }),
);

export const PurgeReport = named(
  "PurgeReport",
  "What became of the pending events of an agent.",
  z.object({
    purged: count("Thrown away."),
    inFlight: count(
      "Of those: sent in the present session and not answered. The agent may have applied them, or may yet; nothing sends them again.",
    ),
    left: count("Pending for the agent now, those accepted meanwhile included."),
  }),
);

export const Accepted = named(
  "Accepted",
  "An event that is on disk.",
  z.object({
    resourceid: z.string(),
    eventid: about("Its version, as a decimal string.", z.string().regex(/^\d+$/)),
    duplicate: about("It was accepted before, under this `eventid`.", z.boolean()),
  }),
);

export const ProblemBody = named(
  "Problem",
  "What went wrong (RFC 9457).",
  z.object({
    type: about("`urn:hawser:error:<code>`.", z.string().regex(/^urn:hawser:error:/)),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z.enum(ERROR_CODES),
    detail: about("What happened, and what to do about it.", z.string()),
    agent: z.string().optional(),
    resource_id: z.string().optional(),
    event_id: z.string().optional(),
    requestId: about("What the log calls this request.", z.string()),
  }),
);

export function page(id: string, item: z.ZodType): z.ZodType {
  return named(
    id,
    "A page of a list.",
    z.object({
      items: z.array(item),
      next: about(
        "What to pass as `after` for the page behind this one; null at the end.",
        z.string().nullable(),
      ),
    }),
  );
}
