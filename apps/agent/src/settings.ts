import { AGENT_ROTATIONS } from "@hawser/agent";
import { DEFAULT_TIMING, DEFAULT_WINDOW, isAgentName, LIMITS } from "@hawser/protocol";
import {
  duration,
  integer,
  oneOf,
  serviceSettings,
  setting,
  text,
  toggle,
  type SettingsOf,
} from "@hawser/service";
import { DEFAULT_DIAL_TIMEOUT_MS, DEFAULT_KEEP_ALIVE_INTERVAL_MS } from "@hawser/transport";
import { principalUrl } from "./principal-url.js";
import { DEFAULT_MAX_TASKS, DEFAULT_OUTPUT_LINES } from "./task/task-handler.js";

const HOUR_MS = 3_600_000;
/** As PROTOCOL.md has it (Reconnecting): a whole fleet that comes back within this time asks no principal for much. */
const DEFAULT_RECONNECT_MAX_MS = 120_000;

/** Everything the agent service can be told. */
export const settingsShape = {
  name: setting(
    "<name>",
    "this agent's name: a-z, 0-9, . and -, up to 128 characters",
    text().refine(isAgentName, "is not an agent name"),
  ),
  url: setting(
    "<url>",
    "where the principal is: ws://, wss://, grpc:// or grpcs://, then host:port; or ws+unix: or grpc+unix:, then the path of its Unix socket",
    principalUrl(),
  ),
  format: setting(
    "<format>",
    "json or proto, how events travel over WebSocket; default json",
    oneOf(["json", "proto"]).default("json"),
  ),
  tokenFile: setting(
    "<path>",
    "file with the bearer token; read again for each connection, and a change ends the wait after a refusal",
    text().optional(),
  ),
  tlsCa: setting(
    "<path>",
    "PEM authority of the principal's certificate; default the well-known ones",
    text().optional(),
  ),
  tlsCert: setting("<path>", "PEM certificate of this agent; together with --tls-key", text().optional()),
  tlsKey: setting("<path>", "PEM key of this agent; together with --tls-cert", text().optional()),
  dataDir: setting(
    "<path>",
    "directory of the durable state, for this agent alone; default ./.hawser/agent-<name>",
    text().optional(),
  ),
  window: setting(
    "<n>",
    `un-ACKed events accepted from the principal; default ${DEFAULT_WINDOW}`,
    integer({ min: 1, max: LIMITS.maxWindow }).default(DEFAULT_WINDOW),
  ),
  rotationMin: setting(
    "<duration>",
    "shortest life of a connection before it is renewed; default 15m",
    duration({ minMs: 1_000, maxMs: 24 * HOUR_MS }).default(DEFAULT_TIMING.rotationMinMs),
  ),
  rotationMax: setting(
    "<duration>",
    "longest life of a connection before it is renewed; default 45m",
    duration({ minMs: 1_000, maxMs: 24 * HOUR_MS }).default(DEFAULT_TIMING.rotationMaxMs),
  ),
  rotation: setting(
    "<how>",
    "break-before-make leaves first; make-before-break connects first, so that events do not wait; default break-before-make",
    oneOf(AGENT_ROTATIONS).default("break-before-make"),
  ),
  reconnectMax: setting(
    "<duration>",
    "longest wait after failures in a row, from 250ms on doubling up to this; default 2m",
    duration({ minMs: 1_000, maxMs: HOUR_MS }).default(DEFAULT_RECONNECT_MAX_MS),
  ),
  pingInterval: setting(
    "<duration>",
    "a ping on a connection that is quiet for so long: below the idle timeout of what is in between; 0s sends none; default 20s",
    duration({ minMs: 0, maxMs: HOUR_MS }).default(DEFAULT_KEEP_ALIVE_INTERVAL_MS),
  ),
  dialTimeout: setting(
    "<duration>",
    "how long a try to connect may take; default 10s",
    duration({ minMs: 1, maxMs: HOUR_MS }).default(DEFAULT_DIAL_TIMEOUT_MS),
  ),
  configFileRoot: setting(
    "<path>",
    "directory below which ConfigFile may write; default <data-dir>/config-files",
    text().optional(),
  ),
  disableTasks: {
    description: "run no processes: resources of kind Task are refused",
    schema: toggle().default(false),
  },
  taskCommands: setting(
    "<list>",
    "the only commands Task may run, separated by commas; default any",
    text()
      .transform((value) => value.split(",").map((each) => each.trim()))
      .optional(),
  ),
  taskMax: setting(
    "<n>",
    `Tasks held at once; default ${DEFAULT_MAX_TASKS}`,
    integer({ min: 1, max: 10_000 }).default(DEFAULT_MAX_TASKS),
  ),
  taskOutputLines: setting(
    "<n>",
    `lines of a Task's output kept for its status; default ${DEFAULT_OUTPUT_LINES}`,
    integer({ min: 0, max: 200 }).default(DEFAULT_OUTPUT_LINES),
  ),
  stopGrace: setting(
    "<duration>",
    "how long the stop of the service may take: the goodbye to the principal, the Tasks, the store; then it ends and says what was left; default 10s",
    duration({ minMs: 0, maxMs: HOUR_MS }).default(10_000),
  ),
  ...serviceSettings,
} as const;

export type AgentSettings = SettingsOf<typeof settingsShape>;
