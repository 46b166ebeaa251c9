import {
  eventClass,
  HawserError,
  jsonCodec,
  type CloudEvent,
  type EventClass,
  type HawserEvent,
} from "@hawser/protocol";

/** An event as it lies on the disk. */
export interface EncodedEvent {
  readonly event: HawserEvent;
  readonly text: string;
  /** UTF-8 bytes of `text`: what the event counts against the cap of its mailbox. */
  readonly bytes: number;
}

/** @throws HawserError `invalid_event` when the event cannot be written as JSON */
export function encodeEvent(event: HawserEvent): EncodedEvent {
  let text: string;
  try {
    text = jsonCodec.encode(event);
  } catch (thrown) {
    throw HawserError.from(thrown, "invalid_event");
  }
  return { event, text, bytes: Buffer.byteLength(text) };
}

/**
 * Reads what `encodeEvent` wrote. More forgiving than the codec of the wire: an event that was
 * accepted under older rules must not block its mailbox.
 *
 * @throws HawserError `store_corrupt` when it is not an event at all
 */
export function decodeEvent(text: string, key: string): HawserEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corruptRow(key, "is not JSON", cause);
  }
  if (!isStoredEvent(value)) throw corruptRow(key, "is not an event");
  return "data_base64" in value ? withBytes(value, key) : value;
}

/** An event read back, with its size. */
export function decodeEncoded(text: string, key: string): EncodedEvent {
  return { event: decodeEvent(text, key), text, bytes: Buffer.byteLength(text) };
}

function withBytes(event: HawserEvent, key: string): HawserEvent {
  const { data_base64: encoded, ...rest } = event;
  if (typeof encoded !== "string") throw corruptRow(key, "has data_base64 that is not text");
  return { ...rest, data: new Uint8Array(Buffer.from(encoded, "base64")) };
}

function isStoredEvent(value: unknown): value is CloudEvent & HawserEvent {
  if (typeof value !== "object" || value === null) return false;
  const is = (name: string): boolean => typeof Reflect.get(value, name) === "string";
  return is("id") && is("source") && is("type") && is("resourceid") && is("eventid");
}

/** What a mailbox needs to know of an entry without its text. */
export interface EntryIdentity {
  readonly version: number;
  readonly bytes: number;
  readonly resourceid: string;
  readonly eventClass: EventClass;
  readonly subject: string | undefined;
}

export function identify(version: number, bytes: number, event: HawserEvent): EntryIdentity {
  const { resourceid, subject } = event;
  return { version, bytes, resourceid, subject, eventClass: eventClass(event.type) };
}

/** An entry as messages name it. */
export function entryPlace(peer: string, version: number): string {
  return `event ${version} of ${peer}`;
}

/** A row that this store cannot have written. Control characters of the key are shown as spaces. */
export function corruptRow(key: string, what: string, cause?: unknown): HawserError {
  const shown = JSON.stringify(key).slice(0, 200);
  return new HawserError(
    "store_corrupt",
    `the row ${shown} ${what}; restore the store from a backup, or move it away and start with a new one`,
    { cause },
  );
}
