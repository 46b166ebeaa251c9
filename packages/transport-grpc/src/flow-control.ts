import { LIMITS } from "@hawser/protocol";

/**
 * What a peer may have on the way to us unread, per stream: room for one frame of the largest size. The 64 KiB that HTTP/2 begins
 * with would bound a stream to 1.3 MB/s at a round trip of 50 ms.
 */
export const FLOW_CONTROL_WINDOW_BYTES = LIMITS.maxFrameBytes;
