/**
 * Limits of the wire, the same for every implementation (PROTOCOL.md, Limits). What a side
 * announces for itself (window, frame size) may be lower, never higher.
 */
export const LIMITS = {
  /** Largest frame in bytes, checked before parsing. Beyond: close code `frame_too_large`. */
  maxFrameBytes: 1_048_576,
  /**
   * Largest frame before `welcome`: enough for a hello, whose texts are bounded, and little for an
   * unknown client. Beyond: close code `frame_too_large`.
   */
  maxHelloBytes: 16_384,
  /** Largest encoded event a publisher may hand in; leaves room for attributes the stream adds. */
  maxEventBytes: 1_000_000,
  /** Characters in an agent's name: `[a-z0-9]([a-z0-9.-]*[a-z0-9])?`. */
  maxAgentNameLength: 128,
  maxResourceIdLength: 512,
  /** Characters (UTF-16 code units) in the value of an attribute, each. */
  maxAttributeLength: 1024,
  /** Extension attributes of one event, besides `resourceid`, `eventid` and `expirytime`. */
  maxExtensions: 32,
  /** Nesting of JSON data that every reader can walk without exhausting its stack. */
  maxDataDepth: 512,
  /** Largest version: the largest integer every JSON reader keeps exactly (2^53 - 1). */
  maxVersion: Number.MAX_SAFE_INTEGER,
  /** Un-ACKed events in flight per direction of one session. */
  maxWindow: 65_536,
  /** (`resourceid`, `eventid`) pairs in one ACK frame. */
  maxAcksPerFrame: 256,
  /** Messages in one `CloudEventBatch`: a small frame must not become many objects. */
  maxBatchEvents: 1024,
  /**
   * UTF-8 bytes of a close reason, characters of `reason` and `software`; longer text is cut.
   * WebSocket allows 123 bytes in a close frame.
   */
  maxReasonLength: 120,
  /** Characters in `message` of NACK and refuse; longer text is cut. */
  maxMessageLength: 1024,
  /** Characters in `session_id`, in `store` and in each of `protocol_versions`. */
  maxTokenLength: 128,
  /** Entries in `protocol_versions`. */
  maxProtocolVersions: 16,
  /** Longest duration in a control message (a day, in ms); a longer one counts as this. */
  maxDurationMs: 86_400_000,
  /** Shortest heartbeat interval a welcome may ask for, in milliseconds. */
  minHeartbeatIntervalMs: 10,
} as const;

/** Default window in events: a few milliseconds of work. */
export const DEFAULT_WINDOW = 256;

/** Default window in bytes: eight of the largest events, and more than a window of usual ones. */
export const DEFAULT_WINDOW_BYTES = 8_388_608;

/** Default timing in milliseconds (PROTOCOL.md, Liveness and Rotation). */
export const DEFAULT_TIMING = {
  /** From the open connection to `welcome`. */
  handshakeTimeoutMs: 10_000,
  /** Between two heartbeats of one side; below the idle timeout of common load balancers. */
  heartbeatIntervalMs: 20_000,
  /** Silence that ends a connection, plus a uniform draw of the same size. */
  heartbeatTimeoutMs: 60_000,
  rotationMinMs: 15 * 60_000,
  rotationMaxMs: 45 * 60_000,
  /** Maximum session age at the principal, +/- 10 %: above every rotation. */
  maxSessionAgeMs: 60 * 60_000,
  /** Limit of each step of a goodbye; then the connection is cut. */
  closeGraceMs: 10_000,
} as const;
