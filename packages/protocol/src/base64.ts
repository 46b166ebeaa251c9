const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Undefined when `text` is not padded base64 (RFC 4648, section 4). */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  // A small Buffer is a slice of a pool and would keep the pool alive.
  return new Uint8Array(Buffer.from(text, "base64"));
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
