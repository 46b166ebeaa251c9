import { decodeComponent, encodeComponent } from "./key-text.js";
import type { DeadLetter, DeadLetterReason } from "./mailbox.js";
import { corruptRow, decodeEvent, type EncodedEvent } from "./event-text.js";

/** What is counted about one mailbox: in memory for every peer, on disk always in the same batch as what it counts. */
export interface MailboxMeta {
  /** The last version given out. */
  position: number;
  pending: number;
  deadLetters: number;
  /** Of both. */
  bytes: number;
  epoch: number;
  /** Name of the peer's store as last seen; empty before the first `open`. */
  peerStore: string;
  /** Number of the oldest idempotency key remembered, and of the next one. */
  keyFirst: number;
  keyNext: number;
}

/** What is known about one peer's own versions. */
export interface InboxMeta {
  settled: number;
  /** How many stores the peer has lost: its versions begin anew with each, so they compare only within one. */
  incarnation: number;
}

export function newMailboxMeta(): MailboxMeta {
  return {
    position: 0,
    pending: 0,
    deadLetters: 0,
    bytes: 0,
    epoch: 0,
    peerStore: "",
    keyFirst: 0,
    keyNext: 0,
  };
}

export function encodeMailboxMeta(meta: MailboxMeta): string {
  const { position, pending, deadLetters, bytes, epoch, peerStore, keyFirst, keyNext } = meta;
  return `${position} ${pending} ${deadLetters} ${bytes} ${epoch} ${keyFirst} ${keyNext} ${encodeComponent(peerStore)}`;
}

export function decodeMailboxMeta(text: string, key: string): MailboxMeta {
  const [numbers, encodedPeerStore] = splitNumbers(text, 7, key);
  const peerStore = decodeComponent(encodedPeerStore);
  const [position = 0, pending = 0, deadLetters = 0, bytes = 0, epoch = 0, keyFirst = 0, keyNext = 0] =
    numbers;
  return { position, pending, deadLetters, bytes, epoch, peerStore, keyFirst, keyNext };
}

export function encodeInboxMeta(meta: InboxMeta): string {
  return `${meta.settled} ${meta.incarnation} `;
}

export function decodeInboxMeta(text: string, key: string): InboxMeta {
  const [settled = 0, incarnation = 0] = splitNumbers(text, 2, key)[0];
  return { settled, incarnation };
}

/** A pending state as it is found by its resource: enough to remove it without reading it. */
export interface PendingState {
  readonly version: number;
  readonly bytes: number;
}

export function encodePendingState(row: PendingState): string {
  return `${row.version} ${row.bytes} `;
}

export function decodePendingState(text: string, key: string): PendingState {
  const [version = 0, bytes = 0] = splitNumbers(text, 2, key)[0];
  return { version, bytes };
}

/** Received retained state: which of the peer's lives it comes from, its version there, and the event. */
export interface ReceivedRow {
  readonly incarnation: number;
  readonly version: number;
  readonly text: string;
}

export function encodeReceived(row: ReceivedRow): string {
  return `${row.incarnation} ${row.version} ${row.text}`;
}

export function decodeReceived(value: string, key: string): ReceivedRow {
  const [[incarnation = 0, version = 0], text] = splitNumbers(value, 2, key);
  return { incarnation, version, text };
}

/** The last version applied of a resource. */
export function encodeApplied(version: number): string {
  return `${version} `;
}

export function decodeApplied(text: string, key: string): number {
  return splitNumbers(text, 1, key)[0][0] ?? 0;
}

/** A handler that was about to run. */
export function encodeBegun(version: number, attempts: number): string {
  return `${version} ${attempts} `;
}

export function decodeBegun(
  text: string,
  key: string,
): { readonly version: number; readonly attempts: number } {
  const [version = 0, attempts = 0] = splitNumbers(text, 2, key)[0];
  return { version, attempts };
}

export function encodeDeadLetter(text: string, reason: DeadLetterReason): string {
  const { code, message, at } = reason;
  return `${JSON.stringify({ code, message, at })}\n${text}`;
}

export function decodeDeadLetter(value: string, version: number, key: string): DeadLetter {
  const end = value.indexOf("\n");
  const text = value.slice(end + 1);
  return {
    version,
    event: decodeEvent(text, key),
    bytes: Buffer.byteLength(text),
    reason: decodeReason(value.slice(0, Math.max(0, end)), key),
  };
}

function decodeReason(text: string, key: string): DeadLetterReason {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corruptRow(key, "has a reason that is not JSON", cause);
  }
  if (typeof value === "object" && value !== null && "code" in value && "message" in value && "at" in value) {
    const { code, message, at } = value;
    if (typeof code === "string" && typeof message === "string" && typeof at === "number") {
      return { code, message, at };
    }
  }
  throw corruptRow(key, "has no reason");
}

/** An event read back, with its size. */
export function decodeEncoded(text: string, key: string): EncodedEvent {
  return { event: decodeEvent(text, key), text, bytes: Buffer.byteLength(text) };
}

/** The number at the end of a fixed-width key. */
export function versionOfKey(key: string): number {
  return Number(key.slice(-16));
}

/** `count` decimal numbers, each followed by a space, then the rest. */
function splitNumbers(text: string, count: number, key: string): readonly [readonly number[], string] {
  const numbers: number[] = [];
  let from = 0;
  for (let i = 0; i < count; i++) {
    const end = text.indexOf(" ", from);
    const number = end > from ? Number(text.slice(from, end)) : Number.NaN;
    if (!Number.isSafeInteger(number) || number < 0) throw corruptRow(key, "does not begin with its numbers");
    numbers.push(number);
    from = end + 1;
  }
  return [numbers, text.slice(from)];
}
