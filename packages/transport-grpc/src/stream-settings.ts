import { DEFAULT_TIMING, HawserError, LIMITS } from "@hawser/protocol";
import { DEFAULT_BUFFER_LIMITS, type BufferLimits } from "@hawser/transport";

/** Below the idle timeout of common load balancers (60 s), with room for a lost one. */
export const DEFAULT_KEEP_ALIVE_INTERVAL_MS = 20_000;

/** Twice the grace a session gives its peer, so that the session decides first and this is only the backstop. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 2 * DEFAULT_TIMING.closeGraceMs;

/**
 * What a peer may have on the way to us unread, per stream: room for one frame of the largest size. The 64 KiB that HTTP/2 begins
 * with would bound a stream to 1.3 MB/s at a round trip of 50 ms.
 */
export const FLOW_CONTROL_WINDOW_BYTES = LIMITS.maxFrameBytes;

/** Settings both ends of a gRPC stream have. */
export interface StreamOptions {
  /** @default DEFAULT_BUFFER_LIMITS, each */
  readonly limits?: Partial<BufferLimits>;
  /** Largest message accepted, checked when its length is known and before it is read; at most `LIMITS.maxFrameBytes`. @default LIMITS.maxFrameBytes */
  readonly maxFrameBytes?: number;
  /** An HTTP/2 PING this often; a peer that has not answered one when the next is due is lost. 0 sends none. @default 20 s */
  readonly keepAliveIntervalMs?: number;
  /** What is left to send when a stream has ended, and its HTTP/2 connection, are cut after this long. @default 20 s */
  readonly closeTimeoutMs?: number;
}

export type StreamSettings = Required<Omit<StreamOptions, "limits">> & { readonly limits: BufferLimits };

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
