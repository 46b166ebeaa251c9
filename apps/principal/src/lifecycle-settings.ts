import { DEFAULT_KEEP_ALIVE_MS } from "@hawser/platform";
import { DEFAULT_TIMING, HawserError, LIMITS } from "@hawser/protocol";
import { duration, hostPortOrUnix, integer, oneOf, setting, type SettingsOf } from "@hawser/service";

const HOUR_MS = 3_600_000;
const upToAnHour = { minMs: 0, maxMs: HOUR_MS };

/** How the service starts, lets agents in and lets them go. */
export const lifecycleSettings = {
  internalListen: setting(
    "<host:port|unix:path>",
    "the control plane's own port or Unix socket, without an admission limit; with it the agents' port opens only after a self-login over it; default none",
    hostPortOrUnix().optional(),
  ),
  internalSocketMode: setting(
    "<0600|0660>",
    "who may connect to that Unix socket: processes of this user, or of this group as well; default 0600",
    oneOf(["0600", "0660"]).default("0600"),
  ),
  stableFor: setting(
    "<duration>",
    "with --internal-listen: how long everything has to hold before the agents' port opens; default 2s",
    duration(upToAnHour).default(2_000),
  ),
  gateTimeout: setting(
    "<duration>",
    "with --internal-listen: how long that may take; default 2m",
    duration({ minMs: 1, maxMs: HOUR_MS }).default(120_000),
  ),
  gateFallback: setting(
    "<exit|open>",
    "what happens then: end with an error, or open all the same; default exit",
    oneOf(["exit", "open"]).default("exit"),
  ),
  admissionRate: setting(
    "<n>",
    "new connections a second; more wait in line, and beyond that are told when to come back; default 500",
    integer({ min: 1, max: 100_000 }).default(500),
  ),
  admissionRamp: setting(
    "<duration>",
    "from opening, how long the rate takes to grow from a tenth to all of it; default 5s",
    duration(upToAnHour).default(5_000),
  ),
  pingInterval: setting(
    "<duration>",
    "a ping on connections that are quiet for so long: below the idle timeout of what is in between; 0s sends none; default 20s",
    duration(upToAnHour).default(DEFAULT_KEEP_ALIVE_MS),
  ),
  heartbeatInterval: setting(
    "<duration>",
    "how often both sides say that they live; default 20s",
    duration({ minMs: LIMITS.minHeartbeatIntervalMs, maxMs: HOUR_MS }).default(
      DEFAULT_TIMING.heartbeatIntervalMs,
    ),
  ),
  heartbeatTimeout: setting(
    "<duration>",
    "silence that ends a session, at the earliest, and after twice that at the latest; at least two intervals; default 60s",
    duration({ minMs: LIMITS.minHeartbeatIntervalMs, maxMs: HOUR_MS }).default(
      DEFAULT_TIMING.heartbeatTimeoutMs,
    ),
  ),
  maxSessionAge: setting(
    "<duration>",
    "how old a session may get, give or take a tenth, before its agent is asked to come back at once; default 1h",
    duration({ minMs: 1_000, maxMs: 24 * HOUR_MS }).default(HOUR_MS),
  ),
  stopShape: setting(
    "<restart|handover>",
    "whether agents come back to this principal or go to another one when it stops; default restart",
    oneOf(["restart", "handover"]).default("restart"),
  ),
  stopWindow: setting(
    "<duration>",
    "what their return (restart) or their leaving (handover) is spread over; default 5s",
    duration(upToAnHour).default(5_000),
  ),
  stopLead: setting(
    "<duration>",
    "how long serving goes on with readiness already failing; default 0s",
    duration(upToAnHour).default(0),
  ),
  stopReturn: setting(
    "<duration>",
    "for a restart: how long this principal will be away; default 1s",
    duration(upToAnHour).default(1_000),
  ),
} as const;

type HeartbeatSettings = Pick<SettingsOf<typeof lifecycleSettings>, "heartbeatInterval" | "heartbeatTimeout">;

/** @throws HawserError `invalid_config` when one late heartbeat would end a session */
export function checkHeartbeats({ heartbeatInterval, heartbeatTimeout }: HeartbeatSettings): void {
  if (heartbeatTimeout >= 2 * heartbeatInterval) return;
  throw new HawserError(
    "invalid_config",
    `--heartbeat-timeout (${heartbeatTimeout} ms) must be at least twice --heartbeat-interval (${heartbeatInterval} ms), or one late heartbeat ends a session`,
  );
}
