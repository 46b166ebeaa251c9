/** Room for text in a WebSocket close frame (RFC 6455, section 5.5); gRPC keeps to it as well. */
export const MAX_CLOSE_REASON_BYTES = 123;

/** Cuts a reason to the size of a close frame, between two characters. */
export function cutCloseReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_CLOSE_REASON_BYTES) return reason;
  let end = MAX_CLOSE_REASON_BYTES;
  // Bytes 10xxxxxx continue a character: the cut must not fall before one.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}
