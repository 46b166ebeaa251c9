import { protobufBatchCodec, protobufCodec } from "@hawser/protocol";
import { bufbuildCodec } from "./bufbuild-codec.js";
import type { Candidate } from "./candidate.js";
import { protobufjsCodec } from "./protobufjs-codec.js";

/** Events of the batch that is measured; figures are for one event. */
export const BATCH_EVENTS = 32;

/** The libraries only map the fields; what the product does has all checks of attributes and limits in it. */
export function candidates(): Readonly<Record<string, Candidate>> {
  return {
    hawser: protobufCodec,
    "hawser, in batches": {
      encode: (event) => protobufBatchCodec.encode(Array.from({ length: BATCH_EVENTS }, () => event)),
      decode: (message) => protobufBatchCodec.decode(message),
    },
    protobufjs: protobufjsCodec(),
    "@bufbuild/protobuf": bufbuildCodec,
  };
}
