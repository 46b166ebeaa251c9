import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { namedRefusal } from "./named-refusal.js";
import { nackKey } from "./parse-message.js";
import { namesIn, readEvent, writeEvent } from "./protobuf-codec.js";
import { ProtobufReader } from "./protobuf-reader.js";
import { ProtobufWriter } from "./protobuf-writer.js";

/** Field 1, each with a length. */
const EVENTS = 0x0a;
const LAST_FIELD = 1;
/** Room that is made at first; a batch that takes more is copied as it grows. */
const LIKELY_EVENT_BYTES = 512;
const LIKELY_BATCH_BYTES = 65_536;

/** Turns one or more CloudEvents into one message and back. */
export interface BatchCodec {
  /**
   * @param events 1 to `LIMITS.maxBatchEvents`; how many bytes they take is for the caller to bound
   * @throws HawserError `invalid_event` when there are none or too many
   */
  encode(events: readonly CloudEvent[]): Uint8Array;
  /** @throws HawserError `invalid_event` naming what is wrong and where; nothing of the batch is given then */
  decode(message: Uint8Array): CloudEvent[];
  /**
   * As `decode`, but an event that cannot be read and yet be named (`nackKey`) is its error, in its place, and takes none of the others along.
   *
   * @throws HawserError `invalid_event` for anything else
   */
  read(message: Uint8Array): readonly (CloudEvent | HawserError)[];
}

/**
 * The CloudEvents protobuf batch format, message `io.cloudevents.v1.CloudEventBatch` (PROTOCOL.md,
 * Codecs), which the gRPC stream carries.
 *
 * Two batches one after the other are one batch with the events of both.
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
