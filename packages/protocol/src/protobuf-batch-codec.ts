import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { CloudEventBatchSchema, type CloudEventBatch } from "./gen/io/cloudevents/v1/cloudevents_pb.js";
import { LIMITS } from "./limits.js";
import { eventOf, messageOf } from "./protobuf-codec.js";

/** Turns one or more CloudEvents into one message and back. */
export interface BatchCodec {
  /**
   * @param events 1 to `LIMITS.maxBatchEvents`; how many bytes they take is for the caller to bound
   * @throws HawserError `invalid_event` when there are none or too many
   */
  encode(events: readonly CloudEvent[]): Uint8Array;
  /** @throws HawserError `invalid_event` naming what is wrong and where; nothing of the batch is given then */
  decode(message: Uint8Array): CloudEvent[];
}

/**
 * The CloudEvents protobuf batch format, message `io.cloudevents.v1.CloudEventBatch` (PROTOCOL.md,
 * Codecs), which the gRPC stream carries.
 *
 * Two batches one after the other are one batch with the events of both.
 */
export const protobufBatchCodec: BatchCodec = { encode: encodeBatch, decode: decodeBatch };

function encodeBatch(events: readonly CloudEvent[]): Uint8Array {
  checkCount(events.length);
  return toBinary(CloudEventBatchSchema, {
    $typeName: "io.cloudevents.v1.CloudEventBatch",
    events: events.map(messageOf),
  });
}

function decodeBatch(message: Uint8Array): CloudEvent[] {
  const { events } = parseBatch(message);
  checkCount(events.length);
  return events.map(eventOf);
}

function parseBatch(message: Uint8Array): CloudEventBatch {
  try {
    return fromBinary(CloudEventBatchSchema, message, { readUnknownFields: false });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError(
      "invalid_event",
      `the message is not an io.cloudevents.v1.CloudEventBatch message: ${why}`,
      { cause },
    );
  }
}

function checkCount(count: number): void {
  if (count >= 1 && count <= LIMITS.maxBatchEvents) return;
  throw new HawserError(
    "invalid_event",
    count === 0
      ? "the batch has no events; send a batch of one, or nothing"
      : `the batch has ${count} events; ${LIMITS.maxBatchEvents} are allowed`,
  );
}
