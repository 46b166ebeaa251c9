import type { CloudEvent } from "@hawser/protocol";

/** A copy that shares nothing mutable with the original, as if it had been through a socket. */
export function copyEvent(event: CloudEvent): CloudEvent {
  return { ...event, ...(event.data === undefined ? {} : { data: copyValue(event.data) }) };
}

/** About how many bytes the event would take on a wire: close enough to fill a buffer with. */
export function approximateBytes(value: unknown): number {
  if (typeof value === "string") return value.length + 3;
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== "object" || value === null) return 8;
  let bytes = 2;
  for (const [name, member] of Object.entries(value)) bytes += name.length + 3 + approximateBytes(member);
  return bytes;
}

function copyValue<Value>(value: Value): Value {
  return typeof value === "object" && value !== null ? structuredClone(value) : value;
}
