import { decodeComponent, encodeComponent } from "./key-text.js";
import { splitNumbers } from "./number-text.js";

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
