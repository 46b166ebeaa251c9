import { DEFAULT_TIMING, HawserError, LIMITS } from "@hawser/protocol";
import { DEFAULT_BUFFER_LIMITS, type BufferLimits } from "./connection.js";

/** Below the idle timeout of common load balancers (60 s), with room for a lost one. */
export const DEFAULT_KEEP_ALIVE_INTERVAL_MS = 20_000;

/** Twice the session's grace, so that the session decides first and this is the backstop. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 2 * DEFAULT_TIMING.closeGraceMs;

/** Settings both ends of a stream have, whatever the transport. */
export interface StreamOptions {
  /** @default DEFAULT_BUFFER_LIMITS, each */
  readonly limits?: Partial<BufferLimits>;
  /**
   * Largest message accepted, checked before it is read. @default LIMITS.maxFrameBytes, the most
   */
  readonly maxFrameBytes?: number;
  /** Interval of transport pings, which keep idle connections open; 0 sends none. @default 20 s */
  readonly keepAliveIntervalMs?: number;
  /** A close that the peer does not complete is cut after this long. @default 20 s */
  readonly closeTimeoutMs?: number;
}

/** `StreamOptions` with every default filled in. */
export type StreamSettings = Required<Omit<StreamOptions, "limits">> & { readonly limits: BufferLimits };

/** @throws HawserError `invalid_config` */
export function resolveStreamOptions(options: StreamOptions): StreamSettings {
  const maxFrameBytes = options.maxFrameBytes ?? LIMITS.maxFrameBytes;
  if (!Number.isInteger(maxFrameBytes) || maxFrameBytes < 1 || maxFrameBytes > LIMITS.maxFrameBytes) {
    throw new HawserError(
      "invalid_config",
      `maxFrameBytes must be a whole number from 1 to ${LIMITS.maxFrameBytes}, not ${maxFrameBytes}.`,
    );
  }
  return {
    limits: { ...DEFAULT_BUFFER_LIMITS, ...options.limits },
    maxFrameBytes,
    keepAliveIntervalMs: options.keepAliveIntervalMs ?? DEFAULT_KEEP_ALIVE_INTERVAL_MS,
    closeTimeoutMs: options.closeTimeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS,
  };
}
