import type { EventClass } from "@hawser/protocol";
import type { KeyRange } from "../disk/disk.js";
import { AFTER_SEPARATOR, decodeComponent, encodeComponent, encodeVersion, SEPARATOR } from "./key-text.js";

/** The tables of a store, a letter each before its keys (README of `@hawser/store-journal`). */
const TABLES = {
  control: "!",
  /** `a` peer, resource, `a` (applied) or `b` (begun) */
  inbox: "a",
  /** `d` peer, version */
  deadLetter: "d",
  /** `e` peer, version */
  pending: "e",
  /** `g` peer, subject */
  received: "g",
  /** `k` peer, idempotency key */
  idempotencyKey: "k",
  /** `m` peer */
  mailbox: "m",
  /** `n` peer */
  inboxMeta: "n",
  /** `q` peer, number */
  idempotencyOrder: "q",
  /** `r` peer, subject */
  sent: "r",
  /** `t` peer */
  tombstone: "t",
  /** `x` peer, resource, class */
  pendingState: "x",
} as const;

export const CONTROL_KEYS = {
  format: "!format",
  id: "!id",
  commit: "!commit",
  forgotten: "!forgotten",
} as const;

export type StateClass = Exclude<EventClass, "command">;

const CLASS_LETTERS: Readonly<Record<StateClass, string>> = { spec: "s", status: "t", delete: "d" };

function prefix(table: keyof typeof TABLES, peer: string): string {
  return TABLES[table] + encodeComponent(peer) + SEPARATOR;
}

export const mailboxKey = (peer: string): string => TABLES.mailbox + encodeComponent(peer);
export const inboxMetaKey = (peer: string): string => TABLES.inboxMeta + encodeComponent(peer);
export const tombstoneKey = (peer: string): string => TABLES.tombstone + encodeComponent(peer);
export const pendingKey = (peer: string, version: number): string =>
  prefix("pending", peer) + encodeVersion(version);
export const deadLetterKey = (peer: string, version: number): string =>
  prefix("deadLetter", peer) + encodeVersion(version);
export const idempotencyKey = (peer: string, key: string): string =>
  prefix("idempotencyKey", peer) + encodeComponent(key);
export const idempotencyOrderKey = (peer: string, number: number): string =>
  prefix("idempotencyOrder", peer) + encodeVersion(number);
export const sentKey = (peer: string, subject: string): string =>
  prefix("sent", peer) + encodeComponent(subject);
export const receivedKey = (peer: string, subject: string): string =>
  prefix("received", peer) + encodeComponent(subject);

const inboxPrefix = (peer: string, resourceid: string): string =>
  prefix("inbox", peer) + encodeComponent(resourceid) + SEPARATOR;
export const appliedKey = (peer: string, resourceid: string): string => `${inboxPrefix(peer, resourceid)}a`;
export const begunKey = (peer: string, resourceid: string): string => `${inboxPrefix(peer, resourceid)}b`;

/** What an inbox key says. */
export function parseInboxKey(key: string): { readonly resourceid: string; readonly applied: boolean } {
  const start = key.indexOf(SEPARATOR) + 1;
  const resourceid = decodeComponent(key.slice(start, key.length - 2));
  return { resourceid, applied: key.endsWith("a") };
}

/** A resource has at most one pending entry per class of state; commands are in no index. */
export function pendingStateKey(peer: string, resourceid: string, stateClass: StateClass): string {
  return prefix("pendingState", peer) + encodeComponent(resourceid) + SEPARATOR + CLASS_LETTERS[stateClass];
}

/** The tables that have rows for each peer, its counters apart. */
export type PeerRows = Exclude<keyof typeof TABLES, "control" | "mailbox" | "inboxMeta" | "tombstone">;

/** The rows of one peer in one table, those after `after` (a key) if given. */
export function peerRange(table: PeerRows, peer: string, limit: number, after?: string): KeyRange {
  const start = TABLES[table] + encodeComponent(peer);
  return {
    from: after === undefined ? start + SEPARATOR : after + SEPARATOR,
    before: start + AFTER_SEPARATOR,
    limit,
  };
}

/** One kind of meta for all peers after `after`, beginning with names from `least` on. */
export function metaRange(
  table: "mailbox" | "inboxMeta" | "tombstone",
  limit: number,
  after?: string,
  least = "",
): KeyRange {
  const letter = TABLES[table];
  const isBehind = after !== undefined && after >= least;
  const from = letter + (isBehind ? encodeComponent(after) + SEPARATOR : encodeComponent(least));
  return { from, before: String.fromCharCode(letter.charCodeAt(0) + 1), limit };
}

/** The peer of a meta key. */
export function peerOfMetaKey(key: string): string {
  return decodeComponent(key.slice(1));
}
