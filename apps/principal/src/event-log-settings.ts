import { DEFAULT_EVENT_LOG_LIMITS } from "@hawser/principal-api";
import { duration, integer, setting, text, toggle } from "@hawser/service";

const YEAR_MS = 366 * 86_400_000;
const MIN_BYTES = 2_000_000;

/** What is kept of the events that agents send, and where they may go. */
export const eventLogSettings = {
  eventLogMaxEntries: setting(
    "<n>",
    "events of agents kept in all; beyond it the oldest go, and while a sink still waits for them, agents keep what they have; default 100000",
    integer({ min: 1, max: 10_000_000 }).default(DEFAULT_EVENT_LOG_LIMITS.maxEntries),
  ),
  eventLogMaxBytes: setting(
    "<n>",
    "bytes of them, likewise; default 268435456",
    integer({ min: MIN_BYTES, max: 1_000_000_000_000 }).default(DEFAULT_EVENT_LOG_LIMITS.maxBytes),
  ),
  eventLogMaxEntriesPerAgent: setting(
    "<n>",
    "events kept of one agent, likewise; default 20000",
    integer({ min: 1, max: 10_000_000 }).default(DEFAULT_EVENT_LOG_LIMITS.maxEntriesPerAgent),
  ),
  eventLogMaxBytesPerAgent: setting(
    "<n>",
    "bytes of them, likewise; default 67108864",
    integer({ min: MIN_BYTES, max: 1_000_000_000_000 }).default(DEFAULT_EVENT_LOG_LIMITS.maxBytesPerAgent),
  ),
  eventLogMaxAge: setting(
    "<duration>",
    "how long an event of an agent is kept that no sink waits for; default 168h",
    duration({ minMs: 60_000, maxMs: YEAR_MS }).default(DEFAULT_EVENT_LOG_LIMITS.maxAgeMs),
  ),
  sinksDir: setting(
    "<path>",
    "directory where sinks of kind file write; default sinks in the data directory",
    text().optional(),
  ),
  sinksAllowLocal: {
    description: "let webhooks be called at loopback and link-local addresses",
    schema: toggle().default(false),
  },
} as const;
