import type { CloudEvent, JsonValue } from "@hawser/protocol";

/** The event a case sends as its `n`th. */
export function numbered(n: number, data: JsonValue = { n }): CloudEvent {
  return {
    specversion: "1.0",
    id: `event-${n}`,
    source: "/compliance",
    type: "com.example.numbered.v1",
    datacontenttype: "application/json",
    data,
  };
}

/** A numbered event whose encoding takes a little more than `bytes`. */
export function padded(n: number, bytes: number): CloudEvent {
  return numbered(n, { n, padding: "x".repeat(bytes) });
}

/** The ids of the events `from` to `to`, both included. */
export function idsFrom(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `event-${from + index}`);
}
