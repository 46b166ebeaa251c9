import type { Codec } from "./codec.js";
import { decodeProtobuf } from "./protobuf-decode.js";
import { encodeProtobuf } from "./protobuf-encode.js";

/**
 * The CloudEvents protobuf format, message `io.cloudevents.v1.CloudEvent` (PROTOCOL.md, Codecs).
 *
 * JSON data travels as `text_data`, text of another content type likewise, bytes as `binary_data`. An event with `proto_data` is refused:
 * its meaning depends on a schema that a peer need not have.
 *
 * Written by hand for this one message, because it is on the path of every event and takes a fraction of the time of the generated code,
 * against which tests compare it byte by byte.
 */
export const protobufCodec: Codec<Uint8Array> = {
  subprotocol: "cloudevents.proto",
  encode: encodeProtobuf,
  decode: decodeProtobuf,
};
