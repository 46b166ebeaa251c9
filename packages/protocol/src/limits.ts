/**
 * Limits of the wire, the same for every implementation (PROTOCOL.md, Limits).
 * What a side announces for itself (window, frame size) may be lower, never higher.
 */
export const LIMITS = {
  /** Largest encoded frame in bytes, checked before parsing. Beyond: close code `frame_too_large`. */
  maxFrameBytes: 1_048_576,
  /** Largest encoded event a publisher may hand in; leaves room for attributes the stream adds. */
  maxEventBytes: 1_000_000,
  /** Characters in an agent's name: `[a-z0-9]([a-z0-9.-]*[a-z0-9])?`. */
  maxAgentNameLength: 128,
  maxResourceIdLength: 512,
  /** Characters in `id`, `source`, `type` and `subject`, each. */
  maxAttributeLength: 1024,
  maxExtensions: 32,
  /** Largest version: the largest integer every JSON reader keeps exactly (2^53 - 1). */
  maxVersion: Number.MAX_SAFE_INTEGER,
  /** Un-ACKed events in flight per direction of one session. */
  maxWindow: 65_536,
  /** (`resourceid`, `eventid`) pairs in one ACK frame. */
  maxAcksPerFrame: 256,
  /** Characters of free text in NACK, refuse and close reasons; longer text is cut. WebSocket allows 123 bytes in a close. */
  maxReasonLength: 120,
  maxMessageLength: 1024,
} as const;

/** How many un-ACKed events a side accepts when it has no reason to say otherwise: a few milliseconds of work. */
export const DEFAULT_WINDOW = 256;

/** What both sides assume about time unless told otherwise. All in milliseconds (PROTOCOL.md, Liveness and Rotation). */
export const DEFAULT_TIMING = {
  /** From the open connection to `welcome`. */
  handshakeTimeoutMs: 10_000,
  /** Between two heartbeats of one side; below the idle timeout of common load balancers. */
  heartbeatIntervalMs: 20_000,
  /** Silence that ends a connection: this much plus a uniform draw of the same size, so that a fleet does not notice in unison. */
  heartbeatTimeoutMs: 60_000,
  rotationMinMs: 15 * 60_000,
  rotationMaxMs: 45 * 60_000,
  /** Each step of saying goodbye (confirmation, finishing, the peer's close) may take this long, then the connection is cut. */
  closeGraceMs: 10_000,
} as const;
