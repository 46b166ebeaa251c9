import {
  DEFAULT_WINDOW_BYTES,
  formatSettled,
  HawserError,
  LIMITS,
  parseSettled,
  PROTOCOL_VERSIONS,
  type Hello,
  type ProtocolVersion,
  type Refuse,
  type Welcome,
} from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import type { AgentSessionOptions } from "./agent-session-state.js";
import { tellPeer } from "./close-reasons.js";
import type { Acceptance, PrincipalSessionOptions } from "./principal-session-state.js";
import type { Established } from "./session-output.js";
import type { SessionTiming } from "./session-timing.js";

/** The first offered version that is spoken here (PROTOCOL.md, Versions), if any. */
export function negotiateVersion(offered: readonly string[]): ProtocolVersion | undefined {
  for (const version of offered) {
    const known = PROTOCOL_VERSIONS.find((candidate) => candidate === version);
    if (known !== undefined) return known;
  }
  return undefined;
}

export function helloOf(
  { agent, store, window, windowBytes = DEFAULT_WINDOW_BYTES, software, known }: AgentSessionOptions,
  settled: number,
): Hello {
  const protocol_versions = [...PROTOCOL_VERSIONS];
  return {
    type: "hello",
    agent,
    protocol_versions,
    store,
    window,
    window_bytes: windowBytes,
    settled: formatSettled(settled),
    software,
    ...defined({ known }),
  };
}

export function welcomeOf(
  { store, window, windowBytes = DEFAULT_WINDOW_BYTES, software }: PrincipalSessionOptions,
  { heartbeatIntervalMs, heartbeatTimeoutMs }: SessionTiming,
  { sessionId, epoch, settled, known }: Acceptance,
  protocol_version: ProtocolVersion,
): Welcome {
  return {
    type: "welcome",
    protocol_version,
    session_id: sessionId,
    epoch,
    store,
    window,
    window_bytes: windowBytes,
    settled: formatSettled(settled),
    heartbeat_interval_ms: heartbeatIntervalMs,
    heartbeat_timeout_ms: heartbeatTimeoutMs,
    software,
    ...defined({ known }),
  };
}

export function refuseOf(error: HawserError, retryAfterMs: number | undefined): Refuse {
  const message = tellPeer(error).slice(0, LIMITS.maxMessageLength);
  const refuse: Refuse = { type: "refuse", code: error.code, message };
  return retryAfterMs === undefined ? refuse : { ...refuse, retry_after_ms: retryAfterMs };
}

/** What an agent knows of its session from the welcome. */
export function establishedAgent(agent: string, welcome: Welcome): Established {
  return {
    role: "agent",
    agent,
    protocolVersion: welcome.protocol_version,
    sessionId: welcome.session_id,
    epoch: welcome.epoch,
    ...peerOf(welcome),
  };
}

/**
 * What a principal knows of its session once it has let the agent in.
 *
 * The floor in the hello is left alone: the agent named it before it could know whether this
 * principal still has the store it was true for. After a lost store what lies below it comes again,
 * and the first heartbeat says a floor that holds.
 */
export function establishedPrincipal(
  hello: Hello,
  { sessionId, epoch }: Acceptance,
  protocolVersion: ProtocolVersion,
): Established {
  const peer = { ...peerOf(hello), peerSettled: 0 };
  return { role: "principal", agent: hello.agent, protocolVersion, sessionId, epoch, ...peer };
}

function peerOf({ store, window, window_bytes, settled, software, known }: Hello | Welcome) {
  return {
    peerStore: store,
    peerWindow: window,
    peerWindowBytes: window_bytes,
    peerSettled: parseSettled(settled),
    peerSoftware: software,
    peerKnown: known,
  };
}

export function unsupportedVersion(hello: Hello): HawserError {
  const offered = hello.protocol_versions.join(", ");
  const spoken = PROTOCOL_VERSIONS.join(", ");
  const message = `this principal speaks protocol version ${spoken}; the agent offered ${offered}`;
  return new HawserError("unsupported_version", message, { agent: hello.agent });
}
