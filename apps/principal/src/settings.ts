import { DEFAULT_WINDOW_BYTES, LIMITS } from "@hawser/protocol";
import {
  duration,
  hostPort,
  integer,
  list,
  serviceSettings,
  setting,
  text,
  toggle,
  type SettingsOf,
} from "@hawser/service";
import { apiSettings } from "./api-settings.js";
import { eventLogSettings } from "./event-log-settings.js";
import { frontSettings } from "./front-settings.js";
import { lifecycleSettings } from "./lifecycle-settings.js";
import { platformSettings } from "./platform-settings.js";

const DAY_MS = 86_400_000;

/** Everything the principal service can be told. */
export const settingsShape = {
  listen: setting(
    "<host:port>",
    "where agents connect, WebSocket and gRPC alike; default 127.0.0.1:7480",
    hostPort().default({ host: "127.0.0.1", port: 7480 }),
  ),
  dataDir: setting(
    "<path>",
    "directory of the durable state; default ./.hawser/principal",
    text().default("./.hawser/principal"),
  ),
  tlsCert: setting(
    "<path>",
    "PEM certificate of the agents' port; together with --tls-key",
    text().optional(),
  ),
  tlsKey: setting("<path>", "PEM key of the agents' port; together with --tls-cert", text().optional()),
  tlsClientCa: setting(
    "<path>",
    "PEM authority of client certificates, which must name the agent (subject alternative name, or else common name)",
    text().optional(),
  ),
  agentTokensFile: setting(
    "<path>",
    "file with one '<agent> <token>' (or '<agent> sha256:<hex>') a line, read again when it changes; '*' as agent lets a token speak for any name",
    text().optional(),
  ),
  ...apiSettings,
  ...frontSettings,
  allowHosts: setting(
    "<list>",
    "host names that requests may name beside loopback, separated by commas; default: any where the port is reachable from other machines, else none",
    list().optional(),
  ),
  allowOrigins: setting(
    "<list>",
    "origins of web pages that may connect, such as https://console.example.org; default none",
    list().default([]),
  ),
  insecure: {
    description: "listen beyond loopback without tokens or client certificates",
    schema: toggle().default(false),
  },
  allowClearTextTokens: {
    description: "with --insecure: take tokens beyond loopback without TLS",
    schema: toggle().default(false),
  },
  allowOldHttp2: {
    description: "offer HTTP/2 (gRPC) beyond loopback although this Node can be ended by a few bytes over it",
    schema: toggle().default(false),
  },
  window: setting(
    "<n>",
    "un-ACKed events accepted from each agent; default 256",
    integer({ min: 1, max: LIMITS.maxWindow }).default(256),
  ),
  windowBytes: setting(
    "<n>",
    "bytes of un-ACKed events per agent and direction, 1 for one event at a time; default 8388608",
    integer({ min: 1, max: 1_073_741_824 }).default(DEFAULT_WINDOW_BYTES),
  ),
  readAheadBytes: setting(
    "<n>",
    "bytes of events held in memory for all agents; the rest waits on disk; default 268435456",
    integer({ min: 1, max: 1_000_000_000_000 }).default(268_435_456),
  ),
  agentEventsPerSecond: setting(
    "<n>",
    "events read of one agent a second; beyond it, it has to wait; default 10000",
    integer({ min: 1, max: 1_000_000_000 }).default(10_000),
  ),
  agentControlsPerSecond: setting(
    "<n>",
    "control messages (ACKs, heartbeats) read of one agent a second; default 20000",
    integer({ min: 1, max: 1_000_000_000 }).default(20_000),
  ),
  agentBytesPerSecond: setting(
    "<n>",
    "bytes read of one agent a second; default 67108864",
    integer({ min: 1, max: 1_000_000_000_000 }).default(67_108_864),
  ),
  maxSessions: setting(
    "<n>",
    "sessions kept at once; default 20000",
    integer({ min: 1, max: 1_000_000 }).default(20_000),
  ),
  maxUnauthenticated: setting(
    "<n>",
    "connections and streams of agents that are no session yet, at once; default 4096",
    integer({ min: 1, max: 100_000 }).default(4_096),
  ),
  admissionFailures: setting(
    "<n>",
    "connections of one address a second that may come to nothing; beyond it, its next ones wait; default two fifths of the rate",
    integer({ min: 1, max: 100_000 }).optional(),
  ),
  mailboxMaxEntries: setting(
    "<n>",
    "events kept per agent before publishers are refused; default 100000",
    integer({ min: 1, max: 100_000_000 }).default(100_000),
  ),
  mailboxMaxBytes: setting(
    "<n>",
    "bytes kept per agent before publishers are refused; default 268435456",
    integer({ min: 1_000, max: 1_000_000_000_000 }).default(268_435_456),
  ),
  ...eventLogSettings,
  idempotencyAge: setting(
    "<duration>",
    "how long a repeat of an event that is not pending any more is known as one; default 24h",
    duration({ minMs: 1, maxMs: 365 * DAY_MS }).default(DAY_MS),
  ),
  idempotencyKeys: setting(
    "<n>",
    "how many of those per agent, the latest; default 100000",
    integer({ min: 1, max: 100_000_000 }).default(100_000),
  ),
  ...lifecycleSettings,
  ...platformSettings,
  ...serviceSettings,
} as const;

export type PrincipalSettings = SettingsOf<typeof settingsShape>;
