import type { StreamSettings } from "@hawser/transport";

/** Where the principal's WebSocket endpoint lives. */
export const DEFAULT_PATH = "/v1/connect";

/**
 * How many fragments a message may have: those of the largest one in pieces of half a KiB. Common clients write 4 KiB at a time (gorilla/websocket), so the bound follows
 * the size; it is there for fragments without content, whose size would never reach a bound.
 */
export function maxFragmentsOf(maxFrameBytes: number): number {
  return Math.max(MIN_FRAGMENTS, Math.ceil(maxFrameBytes / FRAGMENT_BYTES));
}

const FRAGMENT_BYTES = 512;
const MIN_FRAGMENTS = 128;

/** What `ws` is told on either side. */
export function webSocketSettings({ maxFrameBytes, closeTimeoutMs }: StreamSettings) {
  return {
    // Costs ten times what it saves on events of this size, and memory per connection.
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    maxFragments: maxFragmentsOf(maxFrameBytes),
    // An unfinished message of the largest size, arriving in the smallest TCP segments there are, takes about 2,000.
    maxBufferedChunks: 4096,
    skipUTF8Validation: false,
    closeTimeout: closeTimeoutMs,
  };
}
