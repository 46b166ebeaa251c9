/** About the bytes of a value's JSON, without encoding it: close enough for limits and backpressure. */
export function approximateBytes(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object") return 8;
  if (value === null) return 4;
  if (value instanceof Uint8Array) return Math.ceil(value.byteLength / 3) * 4;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value) bytes += approximateBytes(item) + 1;
    return bytes;
  }
  for (const [name, item] of Object.entries(value)) bytes += name.length + 4 + approximateBytes(item);
  return bytes;
}
