// Field numbers of proto/io/cloudevents/v1/cloudevents.proto. A test holds what is written with them against the generated code.

export const EVENT = {
  id: 1,
  source: 2,
  specVersion: 3,
  type: 4,
  attributes: 5,
  binaryData: 6,
  textData: 7,
  protoData: 8,
} as const;

export const ENTRY = { key: 1, value: 2 } as const;

export const ATTRIBUTE = {
  boolean: 1,
  integer: 2,
  string: 3,
  bytes: 4,
  uri: 5,
  uriRef: 6,
  timestamp: 7,
} as const;

export const TIMESTAMP = { seconds: 1, nanos: 2 } as const;

/** True for what has a field of its own in the message, and so may not be in its map of attributes. */
export function isEventField(name: string): boolean {
  return name === "id" || name === "source" || name === "specversion" || name === "type" || name === "data";
}
