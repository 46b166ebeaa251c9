import type { CloudEvent } from "@hawser/protocol";

/** One way to write and read an event in the protobuf format. */
export interface Candidate {
  readonly encode: (event: CloudEvent) => Uint8Array;
  readonly decode: (frame: Uint8Array) => unknown;
}
