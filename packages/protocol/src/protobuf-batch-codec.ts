import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { namedRefusal } from "./named-refusal.js";
import { nackKey } from "./parse-message.js";
import { namesIn, readEvent, writeEvent } from "./protobuf-codec.js";
import { ProtobufReader } from "./protobuf-reader.js";
import { ProtobufWriter } from "./protobuf-writer.js";

/** Field 1, with a length. */
const EVENTS = 0x0a;
const LAST_FIELD = 1;
/** Initial capacity; a larger batch is copied as it grows. */
const LIKELY_EVENT_BYTES = 512;
const LIKELY_BATCH_BYTES = 65_536;

/** Encodes several CloudEvents as one message and back. */
export interface BatchCodec {
  /**
   * @param events 1 to `LIMITS.maxBatchEvents`; the caller bounds their bytes
   * @throws HawserError `invalid_event` for too few or too many
   */
  encode(events: readonly CloudEvent[]): Uint8Array;
  /** @throws HawserError `invalid_event` naming the problem; then it returns no event */
  decode(message: Uint8Array): CloudEvent[];
  /**
   * As `decode`, but an invalid event that can be named (`nackKey`) is returned as its error, and
   * the other events of the batch stay valid.
   * @throws HawserError `invalid_event` for any other problem
   */
  read(message: Uint8Array): readonly (CloudEvent | HawserError)[];
}

/**
 * The CloudEvents protobuf batch format, `io.cloudevents.v1.CloudEventBatch`, carried by the gRPC
 * stream (PROTOCOL.md, Codecs). Two concatenated batches are one batch.
 */
export const protobufBatchCodec: BatchCodec = {
  encode: encodeBatch,
  decode: decodeBatch,
  read: readBatch,
};

function encodeBatch(events: readonly CloudEvent[]): Uint8Array {
  checkCount(events.length);
  const writer = new ProtobufWriter(Math.min(events.length * LIKELY_EVENT_BYTES, LIKELY_BATCH_BYTES));
  for (const event of events) writer.message(EVENTS, () => writeEvent(writer, event));
  return writer.finish();
}

function decodeBatch(message: Uint8Array): CloudEvent[] {
  return readEach(message, (reader) => {
    const outer = reader.enter();
    const event = readEvent(reader);
    reader.leave(outer);
    return event;
  });
}

function readBatch(message: Uint8Array): readonly (CloudEvent | HawserError)[] {
  try {
    return decodeBatch(message);
  } catch {
    // Slower, and only for a batch that has an invalid event.
    return readEach(message, readOrRefuse);
  }
}

/** Calls `readOne` at each event of the batch. */
function readEach<T>(message: Uint8Array, readOne: (reader: ProtobufReader) => T): T[] {
  const reader = new ProtobufReader(message);
  const events: T[] = [];
  while (reader.more) {
    const tag = reader.tag();
    if (tag !== EVENTS) {
      reader.skip(tag, LAST_FIELD);
      continue;
    }
    // The count is checked first, so an event beyond the limit is never decoded.
    checkCount(events.length + 1);
    events.push(readOne(reader));
  }
  checkCount(events.length);
  return events;
}

function readOrRefuse(reader: ProtobufReader): CloudEvent | HawserError {
  const event = reader.message();
  const again = event.again();
  try {
    return readEvent(event);
  } catch (thrown) {
    const refusal = namedRefusal(thrown, namesIn(again));
    if (nackKey(refusal) === undefined) throw refusal;
    return refusal;
  }
}

function checkCount(count: number): void {
  if (count >= 1 && count <= LIMITS.maxBatchEvents) return;
  throw new HawserError(
    "invalid_event",
    count === 0
      ? "the batch has no events; send a batch of one, or nothing"
      : `the batch has more than ${LIMITS.maxBatchEvents} events`,
  );
}
