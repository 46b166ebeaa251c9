import type { Agent, AgentOptions } from "@hawser/agent";
import type { ErrorCode } from "@hawser/protocol";
import type { StreamOptions } from "@hawser/transport";
import type { AgentCall, DialAnswer } from "../agent-call.js";
import type { SteppedTime } from "../stepped-time.js";

export const WIRES = ["WebSocket", "gRPC"] as const;
export type Wire = (typeof WIRES)[number];

/** The rows of the reconnect table as PROTOCOL.md has them: how it ended, and the next try. */
export const ROWS = {
  clean: [
    "own rotation, or closed by the peer with 1000 or 1001",
    "at once; if the session lived under 5 s, as a failure",
  ],
  drained: [
    "drain notice",
    "at the slot it named, even if the connection then got lost; no growth of the backoff; if the session lived under 5 s, no sooner than 250",
  ],
  slot: [
    "refused with retry_after_ms (d), which is a slot, or a dial answered with one",
    "after d, no sooner than 250; no growth of the backoff; d counts as one hour at most",
  ],
  everybody: [
    "a dial answered with a time for everybody (d): Retry-After",
    "after d + U[0,1) x min(30000, max(250, d/10)), no sooner than 250; otherwise as above",
  ],
  refused: [
    "unauthenticated, forbidden, invalid_agent_name, unsupported_version, store_rolled_back, agent_removed (4003, 4004, 4005, 4010, 4011)",
    "the n-th in a row after U[1/2,1) x min(10 min, 30 s x 2^(n-1)), or later if asked; log loudly. New credentials: at once (but not for the version, a store or a removal)",
  ],
  superseded: ["superseded (4002)", "as a failure; log loudly"],
  failed: [
    "anything else: lost, 1006, reset, any other code, heartbeats missing, dial failed",
    "as a failure",
  ],
} as const;
export type Row = keyof typeof ROWS;

/** What every draw of these tests answers. */
export const DRAW = 0.5;

/** The wait after the n-th failure in a row, by the formula of PROTOCOL.md. */
export function failureMs(n: number): number {
  return 250 + DRAW * (Math.min(120_000, 250 * 2 ** n) - 250);
}

/** The first in a row: U[1/2,1) x 30 s. */
export const REFUSED_MS = 15_000 + DRAW * 15_000;

export interface OpenCall {
  readonly call: AgentCall;
  readonly agent: Agent;
  readonly time: SteppedTime;
}

/** What of the agent is not as it always is. */
export interface TestAgentParts
  extends Partial<Pick<AgentOptions, "store" | "observer" | "onEvent" | "window">> {
  /** Where it dials, when that is not to be the principal. */
  readonly port?: number;
  /** What it keeps for a principal that does not read. */
  readonly limits?: StreamOptions["limits"];
}

/** One way for a connection to end, and what the agent is to make of it. */
export interface ReconnectCase {
  readonly row: Row;
  readonly name: string;
  /** Absent: both. */
  readonly on?: Wire;
  /** What of the agent is not as it always is. */
  readonly parts?: () => TestAgentParts;
  /** What the dial is answered with; absent: a stream. */
  readonly answer?: DialAnswer;
  /** How long the session has been open when the end comes; absent: the principal never said welcome. */
  readonly livedMs?: number;
  /** Brings the end about. */
  readonly end?: (open: OpenCall) => Promise<void> | void;
  /** All that was said about the end on the wire, in order. Empty where there was no stream. */
  readonly wire: Readonly<Record<Wire, readonly string[]>>;
  readonly next: {
    readonly delayMs: number;
    /** The code its log names. */
    readonly code?: ErrorCode;
    readonly level: "info" | "warn" | "error";
    /** Parts of the line: why, and where somebody has to do something, what. */
    readonly says: string | readonly string[];
  };
}

/** The principal closes and the agent answers. */
export function closedByPrincipal(code: number, grpcStatus: number, reason: string): ReconnectCase["wire"] {
  return {
    WebSocket: [`principal: close frame ${code} "${reason}"`, `agent: close frame ${code} "${reason}"`],
    gRPC: [
      `principal: close event ${code} "${reason}"`,
      "agent: end of stream",
      `principal: grpc-status ${grpcStatus}, hawser-close-code ${code} "${reason}"`,
    ],
  };
}

/** The agent closes and the principal answers. */
export function closedByAgent(code: number, reason: string): ReconnectCase["wire"] {
  return {
    WebSocket: [`agent: close frame ${code} "${reason}"`, `principal: close frame ${code} "${reason}"`],
    gRPC: [
      `agent: close event ${code} "${reason}"`,
      "agent: end of stream",
      `principal: grpc-status 0, hawser-close-code ${code} "${reason}"`,
    ],
  };
}

export const NOTHING: ReconnectCase["wire"] = { WebSocket: [], gRPC: [] };
