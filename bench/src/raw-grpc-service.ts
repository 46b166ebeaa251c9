import type { ServiceDefinition } from "@grpc/grpc-js";

const asIs = (bytes: Buffer): Buffer => bytes;

/** One bidirectional stream of bytes: grpc-js frames and carries them, nobody encodes or decodes anything. */
export const RAW_SERVICE = {
  exchange: {
    path: "/bench.Raw/Exchange",
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const satisfies ServiceDefinition;

/** Sequence numbers lead a message; the rest has the size of the event in protobuf. */
export const SEQUENCE_BYTES = 4;
/** About what an ACK takes in Hawser's frames when many share one. */
export const RAW_ACK_BYTES = 32;
