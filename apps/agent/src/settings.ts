import { DEFAULT_TIMING, DEFAULT_WINDOW, DEFAULT_WINDOW_BYTES, isAgentName, LIMITS } from "@hawser/protocol";
import {
  duration,
  hostPort,
  integer,
  oneOf,
  serviceSettings,
  setting,
  text,
  toggle,
  type SettingsOf,
} from "@hawser/service";
import {
  DEFAULT_DIAL_TIMEOUT_MS,
  DEFAULT_KEEP_ALIVE_INTERVAL_MS,
  DEFAULT_UNIX_SOCKET_MODE,
} from "@hawser/transport";
import {
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_MAX_FILES,
  DRIFT_POLICIES,
  DEFAULT_MAX_MODE,
} from "./config-file/config-file-handler.js";
import { z } from "zod";
import { principalUrl } from "./principal-url.js";
import {
  DEFAULT_MAX_STOP_GRACE_MS,
  DEFAULT_MAX_TASKS,
  DEFAULT_OUTPUT_HISTORY_BYTES,
  DEFAULT_OUTPUT_LINES,
  MAX_OUTPUT_HISTORY_BYTES,
} from "./task/task-handler.js";
import { cgroupSetting, fileMode, HIGHEST_ID, taskUser } from "./machine-schemas.js";
import { socketMode, socketSetting } from "./event-socket/socket-settings.js";
import { DEFAULT_OUTPUT_BYTES_PER_SECOND } from "./task/task-limits.js";

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
    "where the principal is: ws://, wss://, grpc:// or grpcs://, then host:port, and the path of a proxy in front if it has one; or ws+unix: or grpc+unix:, then the path of its Unix socket",
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
  allowClearTextToken: {
    description: "send the token by ws:// or grpc:// to another machine, too",
    schema: toggle().default(false),
  },
  headerFile: setting(
    "<path>",
    "file with one '<name>: <value>' a line, for gateways in front of the principal; read again for each connection",
    text().optional(),
  ),
  proxy: setting(
    "<url>",
    "HTTP proxy that leads to the principal: http:// or https://; none for none; default HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY",
    text().optional(),
  ),
  noProxy: setting(
    "<list>",
    "hosts, domains and networks reached without the proxy, separated by commas; default NO_PROXY",
    z.string().optional(),
  ),
  tlsCa: setting(
    "<list>",
    "PEM authorities of the principal's certificate, separated by commas, and 'system' for those of this machine; instead of the well-known ones",
    text().optional(),
  ),
  tlsCert: setting("<path>", "PEM certificate of this agent; together with --tls-key", text().optional()),
  tlsKey: setting("<path>", "PEM key of this agent; together with --tls-cert", text().optional()),
  dataDir: setting(
    "<path>",
    "directory of the durable state, for this agent alone; default ./.hawser/agent-<name>",
    text().optional(),
  ),
  socket: setting(
    "<path>",
    "Unix socket at which programs on this machine hand the agent events, or off; default agent.sock in the data directory",
    socketSetting().default({ kind: "default" }),
  ),
  socketMode: setting(
    "<mode>",
    "who may use the socket: 0600 for programs of the agent's user, 0660 for its group as well; default 0600",
    socketMode().default(DEFAULT_UNIX_SOCKET_MODE),
  ),
  socketGroup: setting(
    "<gid>",
    "the group of the socket, by number; with --socket-mode 0660; default the agent's own",
    integer({ min: 0, max: HIGHEST_ID }).optional(),
  ),
  window: setting(
    "<n>",
    `un-ACKed events accepted from the principal; default ${DEFAULT_WINDOW}`,
    integer({ min: 1, max: LIMITS.maxWindow }).default(DEFAULT_WINDOW),
  ),
  windowBytes: setting(
    "<n>",
    `bytes of un-ACKed events per direction, 1 for one event at a time; default ${DEFAULT_WINDOW_BYTES}`,
    integer({ min: 1, max: 1_073_741_824 }).default(DEFAULT_WINDOW_BYTES),
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
    "turns kind ConfigFile on: the directory below which it may write, for this agent alone; default none, ConfigFile is refused",
    text().optional(),
  ),
  configFileMax: setting(
    "<n>",
    `files that ConfigFile may have written at once; default ${DEFAULT_MAX_FILES}`,
    integer({ min: 1, max: 1_000_000 }).default(DEFAULT_MAX_FILES),
  ),
  configFileMaxBytes: setting(
    "<n>",
    `bytes of the largest file ConfigFile may write; default ${DEFAULT_MAX_FILE_BYTES}`,
    integer({ min: 1, max: DEFAULT_MAX_FILE_BYTES }).default(DEFAULT_MAX_FILE_BYTES),
  ),
  configFileMaxMode: setting(
    "<mode>",
    "permission bits that ConfigFile may give a file; a spec that asks for others is refused; default 0755",
    fileMode().default(DEFAULT_MAX_MODE),
  ),
  configFileDrift: setting(
    "<repair|report>",
    "what is done about a file of ConfigFile that somebody else changed or removed: it is written again, or its status says so; default repair",
    oneOf(DRIFT_POLICIES).default("repair"),
  ),
  checkInterval: setting(
    "<duration>",
    "how often files are looked at for that, beside at the start; 0s: at the start alone; default 1m",
    duration({ minMs: 0, maxMs: 24 * HOUR_MS }).default(60_000),
  ),
  taskAllow: setting(
    "<file>",
    "turns kind Task on for the commands in this YAML or JSON file; default none, Task is refused",
    text().optional(),
  ),
  taskAllowAnyCommand: {
    description:
      "turns kind Task on for any command: whoever speaks for the principal runs anything as the agent's user; for trying things out",
    schema: toggle().default(false),
  },
  taskUser: setting(
    "<uid[:gid]>",
    "whom Tasks run as, by number; needs root; default the agent's own user",
    taskUser().optional(),
  ),
  taskCgroup: setting(
    "<auto|off|path>",
    "where the control groups (cgroup v2) of Tasks are made; auto: below the agent's own, if it belongs to the agent's user and holds the agent alone; default auto",
    cgroupSetting().default("auto"),
  ),
  taskMaxProcesses: setting(
    "<n>",
    "processes and threads of one Task; without a control group of all that its user runs, root excepted; default 1024 in a control group, else none",
    integer({ min: 1, max: 4_194_304 }).optional(),
  ),
  taskMaxMemory: setting(
    "<bytes>",
    "memory of one Task; without a control group the address space of each of its processes; default none",
    integer({ min: 1_048_576, max: Number.MAX_SAFE_INTEGER }).optional(),
  ),
  taskMaxCpuPercent: setting(
    "<n>",
    "CPU of one Task, 100 is one core; needs a control group; default none",
    integer({ min: 1, max: 100_000 }).optional(),
  ),
  taskMaxCpuTime: setting(
    "<duration>",
    "CPU time of each process of a Task, which is then ended; default none",
    duration({ minMs: 1_000, maxMs: 365 * 24 * HOUR_MS }).optional(),
  ),
  taskOutputRate: setting(
    "<bytes>",
    `bytes of one Task's output read a second; one that writes more waits; default ${DEFAULT_OUTPUT_BYTES_PER_SECOND}`,
    integer({ min: 1_024, max: 1_073_741_824 }).default(DEFAULT_OUTPUT_BYTES_PER_SECOND),
  ),
  taskMaxStopGrace: setting(
    "<duration>",
    "longest time between SIGTERM and SIGKILL that a Task may ask for; default 1m",
    duration({ minMs: 0, maxMs: HOUR_MS }).default(DEFAULT_MAX_STOP_GRACE_MS),
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
  taskOutputHistory: setting(
    "<bytes>",
    `bytes of a Task's output kept for 'hawser logs'; default ${DEFAULT_OUTPUT_HISTORY_BYTES}`,
    integer({ min: 0, max: MAX_OUTPUT_HISTORY_BYTES }).default(DEFAULT_OUTPUT_HISTORY_BYTES),
  ),
  stopGrace: setting(
    "<duration>",
    "how long the stop of the service may take: the goodbye to the principal, the Tasks, the store; then it ends and says what was left; at least 1s, default 10s",
    duration({ minMs: 1_000, maxMs: HOUR_MS }).default(10_000),
  ),
  healthListen: setting(
    "<host:port>",
    "where /livez, /readyz (200 while it is connected) and /metrics answer, without a token; default none",
    hostPort().optional(),
  ),
  ...serviceSettings,
} as const;

export type AgentSettings = SettingsOf<typeof settingsShape>;
