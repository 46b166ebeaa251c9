import { decodeComponent, encodeComponent, SEPARATOR } from "./key-text.js";
import type { Standing } from "../contract/rollback.js";
import { splitNumbers } from "./rows.js";

/** Counters of one mailbox: in memory for every peer, on disk in the commit of what they count. */
export interface MailboxMeta {
  lastVersion: number;
  pending: number;
  deadLetters: number;
  /** Of both. */
  bytes: number;
  epoch: number;
  /** Name of the peer's store as last seen; empty before the first `open`. */
  peerStore: string;
  /** Place of the first row of an idempotency key, and of the next one. */
  keyFirst: number;
  keyNext: number;
  /** Idempotency keys accepted so far. */
  keyCount: number;
  /** Epoch of the last session that this side began with that store; 0 when unknown. */
  session: number;
  /**
   * The highest version that may have been sent, where later ones were assigned while nobody held
   * the mailbox; undefined while that is `lastVersion`.
   */
  told: number | undefined;
  /** How many of our events the peer had recorded at the last acknowledgement written. */
  peerRecorded: number;
  /** The version before its first: above 0 where mailboxes were removed before it was made. */
  base: number;
  /** Its rows are being removed, over several commits. Nothing else is written to it. */
  removing: boolean;
}

/** What peers may know of removed mailboxes. No later mailbox assigns any of it again. */
export interface Forgotten {
  /** The highest epoch of a session. */
  readonly epoch: number;
  /** The highest version of a mailbox. */
  readonly version: number;
  /** The highest count of recorded events. */
  readonly recorded: number;
}

export const NOTHING_FORGOTTEN: Forgotten = { epoch: 0, version: 0, recorded: 0 };

export function encodeForgotten({ epoch, version, recorded }: Forgotten): string {
  return `${epoch} ${version} ${recorded} `;
}

export function decodeForgotten(text: string, key: string): Forgotten {
  const [[epoch = 0, version = 0, recorded = 0]] = splitNumbers(text, 3, key);
  return { epoch, version, recorded };
}

/** What is known about one peer's own versions. */
export interface InboxMeta {
  settled: number;
  /** Stores that the peer has lost. Versions compare within one incarnation only. */
  incarnation: number;
  /** The highest version of the peer that was recorded, or whose handler began. */
  highest: number;
  /** How many events of the peer were recorded, over all its stores: never goes back. */
  recorded: number;
  /** Epoch of the last session that this side began with that store; 0 when unknown. */
  joined: number;
}

/** No store has this name, so every peer counts as having lost its state when it is seen next. */
export const FORGOTTEN_STORE = "?";

export function newMailboxMeta({ version, epoch }: Forgotten = NOTHING_FORGOTTEN): MailboxMeta {
  return {
    lastVersion: version,
    pending: 0,
    deadLetters: 0,
    bytes: 0,
    epoch,
    peerStore: "",
    keyFirst: 0,
    keyNext: 0,
    keyCount: 0,
    session: 0,
    told: undefined,
    peerRecorded: 0,
    base: version,
    removing: false,
  };
}

export function newInboxMeta({ recorded }: Forgotten = NOTHING_FORGOTTEN): InboxMeta {
  return { settled: 0, incarnation: 0, highest: 0, recorded, joined: 0 };
}

/** At the end of the row. */
const REMOVING = "removing";

export function encodeMailboxMeta(meta: MailboxMeta): string {
  const { lastVersion, pending, deadLetters, bytes, epoch, keyFirst, keyNext } = meta;
  const counters = [lastVersion, pending, deadLetters, bytes, epoch, keyFirst, keyNext].join(" ");
  // One more than `told`, as 0 is for none.
  const told = meta.told === undefined ? 0 : meta.told + 1;
  const known = [meta.session, told, meta.peerRecorded, meta.base, meta.keyCount].join(" ");
  return `${counters} ${encodeComponent(meta.peerStore)}${SEPARATOR}${known} ${meta.removing ? REMOVING : ""}`;
}

export function decodeMailboxMeta(text: string, key: string): MailboxMeta {
  const [
    [lastVersion = 0, pending = 0, deadLetters = 0, bytes = 0, epoch = 0, keyFirst = 0, keyNext = 0],
    rest,
  ] = splitNumbers(text, 7, key);
  const [encodedPeerStore = "", more = ""] = rest.split(SEPARATOR);
  const peerStore = decodeComponent(encodedPeerStore);
  // Rows of older stores end here, or behind one of the next numbers.
  const [[session = 0, told = 0, peerRecorded = 0], last] = splitMore(more, 3, key);
  const [[base = 0], keys] = splitMore(last, 1, key);
  const [[keyCount = keyNext], mark] = splitMore(keys, 1, key);
  return {
    lastVersion,
    pending,
    deadLetters,
    bytes,
    epoch,
    peerStore,
    keyFirst,
    keyNext,
    keyCount,
    session,
    told: told === 0 ? undefined : told - 1,
    peerRecorded,
    base,
    removing: mark === REMOVING,
  };
}

function splitMore(text: string, count: number, key: string): ReturnType<typeof splitNumbers> {
  return text === "" ? [[], ""] : splitNumbers(text, count, key);
}

export function encodeInboxMeta({ settled, incarnation, highest, recorded, joined }: InboxMeta): string {
  return `${settled} ${incarnation} ${highest} ${recorded} ${joined} `;
}

export function decodeInboxMeta(text: string, key: string): InboxMeta {
  const [[settled = 0, incarnation = 0], more] = splitNumbers(text, 2, key);
  const [[highest = 0, recorded = 0, joined = 0]] = splitMore(more, 3, key);
  return { settled, incarnation, highest, recorded, joined };
}

/** Undefined before the two have met, and after this store was adopted until they meet again. */
export function standingOf(
  mailbox: Readonly<MailboxMeta> | undefined,
  inbox: Readonly<InboxMeta> | undefined,
  forgotten: Forgotten,
): Standing | undefined {
  if (mailbox === undefined) return undefined;
  const haveMet = mailbox.peerStore !== "" && mailbox.peerStore !== FORGOTTEN_STORE;
  return haveMet ? standingTowards(mailbox, inbox, forgotten) : undefined;
}

/** As `standingOf`, for two that have met. */
export function standingTowards(
  { peerStore: store, session, told, lastVersion, peerRecorded }: Readonly<MailboxMeta>,
  inbox: Readonly<InboxMeta> | undefined,
  forgotten: Forgotten,
): Standing {
  // Events that were given up without being sent are settled as well. Their versions must not be
  // assigned again.
  const version = Math.max(inbox?.highest ?? 0, inbox?.settled ?? 0);
  return {
    peer: { store, epoch: inbox?.joined ?? 0, version, recorded: peerRecorded },
    own: { epoch: session, version: told ?? lastVersion, recorded: inbox?.recorded ?? forgotten.recorded },
  };
}
