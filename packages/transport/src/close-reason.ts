/** A WebSocket close frame has room for this many bytes of text (RFC 6455, section 5.5); gRPC keeps to it too. */
export const MAX_CLOSE_REASON_BYTES = 123;

/** The reason as it fits into a close frame: cut between two characters, never inside one. */
export function cutCloseReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_CLOSE_REASON_BYTES) return reason;
  let end = MAX_CLOSE_REASON_BYTES;
  // Bytes 10xxxxxx continue a character: the cut must not fall before one.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}
