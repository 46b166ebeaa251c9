import type { StreamSettings } from "@hawser/transport";

/** Where the principal's WebSocket endpoint lives. */
export const DEFAULT_PATH = "/v1/connect";

/** What `ws` is told on either side. */
export function webSocketSettings({ maxFrameBytes, closeTimeoutMs }: StreamSettings) {
  return {
    // Costs ten times what it saves on events of this size, and memory per connection.
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    // An honest peer sends an event in one piece; a proxy may split it, but not into crumbs.
    maxFragments: 128,
    // An unfinished message of the largest size, arriving in the smallest TCP segments there are, takes about 2,000.
    maxBufferedChunks: 4096,
    skipUTF8Validation: false,
    closeTimeout: closeTimeoutMs,
  };
}
