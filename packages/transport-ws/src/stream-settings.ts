import type { StreamSettings } from "@hawser/transport";

/** Where the principal's WebSocket endpoint lives. */
export const DEFAULT_PATH = "/v1/connect";

/**
 * Fragments a message may have: those of the largest one in pieces of 512 bytes. Common clients
 * write 4 KiB at a time (gorilla/websocket). The bound stops empty fragments, which no size limit
 * counts.
 */
export function maxFragmentsOf(maxFrameBytes: number): number {
  return Math.max(MIN_FRAGMENTS, Math.ceil(maxFrameBytes / FRAGMENT_BYTES));
}

const FRAGMENT_BYTES = 512;
const MIN_FRAGMENTS = 128;

/** Options of `ws` on both sides. */
export function webSocketSettings({ maxFrameBytes, closeTimeoutMs }: StreamSettings) {
  return {
    // Costs ten times its savings on events of this size, and memory per connection.
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    maxFragments: maxFragmentsOf(maxFrameBytes),
    // The largest message in the smallest TCP segments takes about 2,000 chunks.
    maxBufferedChunks: 4096,
    skipUTF8Validation: false,
    closeTimeout: closeTimeoutMs,
  };
}
