import type { DeadLetter, DeadLetterReason } from "../contract/mailbox.js";
import type { GivenUp } from "../contract/retained.js";
import { corruptRow, decodeEncoded, decodeEvent, type EncodedEvent } from "./event-text.js";

/** `count` decimal numbers, each followed by a space, then the rest. */
export function splitNumbers(text: string, count: number, key: string): readonly [readonly number[], string] {
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

/** An accepted idempotency key. */
export interface KeyRow {
  readonly version: number;
  /** How many keys this mailbox had accepted before. */
  readonly ordinal: number;
  /** Its place in the order of rows. */
  readonly place: number;
  /** When it was accepted, Unix milliseconds. */
  readonly atMs: number | undefined;
}

/** Rows of older stores have the version alone. */
export type StoredKeyRow = Partial<KeyRow> & Pick<KeyRow, "version">;

export function encodeKeyRow({ version, ordinal, place, atMs }: KeyRow): string {
  // One more than the time, as 0 is for none.
  const at = atMs === undefined ? 0 : Math.max(0, Math.floor(atMs)) + 1;
  return `${version} ${ordinal} ${place} ${at} `;
}

export function decodeKeyRow(text: string, key: string): StoredKeyRow {
  if (!text.includes(" ")) return { version: splitNumbers(`${text} `, 1, key)[0][0] ?? 0 };
  const [version = 0, ordinal = 0, place = 0, at = 0] = splitNumbers(text, 4, key)[0];
  return { version, ordinal, place, atMs: at === 0 ? undefined : at - 1 };
}

/** Sent retained state. `givenUp`: nothing sends it any more. */
export interface SentRow extends EncodedEvent {
  readonly givenUp: GivenUp | undefined;
}

const GIVEN_UP: readonly GivenUp[] = ["discarded", "purged"];

/** The mark is in front of the event; no event begins like that. */
export function encodeSent(text: string, givenUp?: GivenUp): string {
  return givenUp === undefined ? text : `${givenUp} ${text}`;
}

export function decodeSent(value: string, key: string): SentRow {
  const givenUp = GIVEN_UP.find((mark) => value.startsWith(`${mark} `));
  const text = givenUp === undefined ? value : value.slice(givenUp.length + 1);
  return { ...decodeEncoded(text, key), givenUp };
}

/** Received retained state. Versions compare within one incarnation of the peer. */
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

/** The number at the end of a fixed-width key. */
export function versionOfKey(key: string): number {
  return Number(key.slice(-16));
}

/** That a peer was removed. */
export interface TombstoneRow {
  readonly at: number;
  /** How many there had been before: the oldest goes first, whatever the clock said. */
  readonly number: number;
}

export function encodeTombstone({ at, number }: TombstoneRow): string {
  return `${Math.max(0, Math.floor(at))} ${number} `;
}

export function decodeTombstone(text: string, key: string): TombstoneRow {
  const [[at = 0, number = 0]] = splitNumbers(text, 2, key);
  return { at, number };
}
