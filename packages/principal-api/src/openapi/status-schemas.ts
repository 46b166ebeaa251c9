import { z } from "zod";
import { about, named } from "./api-schema.js";
import { count, time } from "./view-schemas.js";

const State = about("Whether the principal serves.", z.enum(["stopped", "starting", "open", "draining"]));

const Gate = named(
  "Gate",
  "Where the start stands: what it waits for, and whether the port of the agents is open.",
  z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("closed") }),
    z.object({ kind: z.literal("waiting"), for: z.string(), reason: z.string() }),
    z.object({ kind: z.literal("settling"), stableForMs: z.number() }),
    z.object({ kind: z.literal("open"), by: z.enum(["conditions", "fallback"]) }),
  ]),
);

const ProtocolVersions = about("Versions of the agents' protocol that are spoken.", z.array(z.string()));

export const Live = z.object({ status: z.literal("alive") });
export const Ready = named(
  "Ready",
  "The readiness of an orchestrator.",
  z.object({ state: State, gate: Gate }),
);
export const Info = named(
  "Info",
  "What this principal is.",
  z.object({
    version: z.string(),
    protocolVersions: ProtocolVersions,
    state: State,
    certificates: about(
      "The certificates that its ports show; absent where it does not know.",
      z.array(z.object({ port: z.enum(["agents", "api"]), notAfter: time("When it ends.") })).optional(),
    ),
    openFiles: about(
      "The limit of open files of the process, and how many it may need; absent where it does not know.",
      z
        .object({
          limit: count("What the system lets it have."),
          needed: count("With as many sessions and other connections as the settings allow."),
        })
        .optional(),
    ),
  }),
);
export const Status = named(
  "Status",
  "The fleet in sums, up to a second old.",
  z.object({
    state: State,
    version: z.string(),
    protocolVersions: ProtocolVersions,
    startedAt: time("When this API was made."),
    agents: z.object({ connected: count("With a session."), known: count("With a session or a mailbox.") }),
    pending: count("Accepted and not acknowledged."),
    deadLetters: count("Given up."),
    sessionsByTransport: z.record(z.string(), z.int()),
    rollback: about(
      "Only where agents prove that the store was rolled back, which was started without `hawser adopt`; they are refused.",
      z
        .object({
          agents: count("That prove it."),
          message: about("What the first of them proved.", z.string()),
          since: time("When."),
        })
        .optional(),
    ),
  }),
);

const Shape = z.enum(["handover", "restart"]);
export const DrainState = named(
  "DrainState",
  "A drain: how far it is, and what it left behind.",
  z.object({
    state: State,
    gate: Gate,
    progress: z
      .object({
        shape: Shape,
        reason: z.string(),
        sessions: count("When it began."),
        remaining: count("Not gone yet."),
        unsettled: count("Events of sessions that are gone which nobody answered for."),
      })
      .optional(),
    report: z
      .object({
        shape: Shape,
        sessions: count("When it began."),
        cutOff: count("Ended by force after the grace."),
        kept: count("Not let go, because the drain was taken back."),
        unsettled: about("Events that will be redelivered, by agent.", z.record(z.string(), z.int())),
        unsettledTotal: count("Their sum."),
        durationMs: z.number().min(0),
      })
      .optional(),
  }),
);

export const AdmissionState = named(
  "AdmissionState",
  "Who waits at the agents' port, and what became of the others.",
  z.object({
    waiting: count("Sockets that wait for a place."),
    handshakes: count("Under way."),
    stalled: count("Handshakes that have gone on for so long that others may take their place."),
    admitted: count("Let in, ever."),
    refused: count("Told to come back, ever."),
    expired: count("Gone while they waited, ever."),
    ratePerSecond: about("The rate that holds now.", z.number()),
    refusing: count("Being told to come back."),
    slowedSources: count("Addresses whose connections came to nothing so often that the next has to wait."),
    unauthenticated: count("Sockets and streams that are no session yet."),
    overBudget: count("Closed because there were too many that are no session yet, ever."),
    outOfDescriptors: count("Closed when they came, because the process had too many descriptors, ever."),
    handedOver: count("Given to a transport, ever."),
    overCapacity: count("Closed without a word, ever."),
    handshakeTimeout: count("Too slow, ever."),
    tlsFailed: count("Failed TLS handshakes, ever."),
    unsupportedProtocol: count("Spoke something else, ever."),
    lost: count("Gone before they told their protocol, ever."),
  }),
);
