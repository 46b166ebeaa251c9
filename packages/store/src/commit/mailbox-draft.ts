import { eventClass, supersedes, type EventClass } from "@hawser/protocol";
import type { DeadLetterReason } from "../contract/mailbox.js";
import type { MailboxMeta } from "../layout/counters.js";
import {
  decodeEvent,
  entryPlace,
  identify,
  type EncodedEvent,
  type EntryIdentity,
} from "../layout/event-text.js";
import { deadLetterKey, pendingStateKey, sentKey, type StateClass } from "../layout/keys.js";
import { decodePendingState, encodeDeadLetter, encodePendingState, encodeSent } from "../layout/rows.js";
import type { ChangeSet } from "./change-set.js";
import type { StoreClient } from "./peer-table.js";

/** The classes of which a resource has at most one pending entry each. */
export const STATE_CLASSES: readonly StateClass[] = ["spec", "status", "delete"];
const NO_CLASSES: readonly StateClass[] = [];

/** What takes an entry out of its mailbox. */
export type PendingEntry = Omit<EntryIdentity, "subject">;

/** The holders of mailboxes, as far as a commit concerns them. */
export interface EntryHolders {
  isHeld(peer: string): boolean;
  entryAdded(peer: string, version: number, encoded: EncodedEvent): void;
  entryRemoved(peer: string, version: number): void;
}

/** The counters that this draft does not keep itself. */
type Fields = Omit<MailboxMeta, "lastVersion" | "pending" | "deadLetters" | "bytes">;

/**
 * Entries, dead letters and counters of one mailbox in a commit. A new one begins to exist with its
 * first change.
 */
export class MailboxDraft {
  readonly #peer: string;
  readonly #tx: ChangeSet;
  readonly #holders: EntryHolders;
  readonly #onFirstChange: () => void;
  #meta: MailboxMeta;
  #isChanged = false;
  #claimedBy: StoreClient | undefined;

  constructor(
    peer: string,
    meta: Readonly<MailboxMeta>,
    tx: ChangeSet,
    holders: EntryHolders,
    onFirstChange: () => void,
  ) {
    this.#peer = peer;
    this.#meta = meta;
    this.#tx = tx;
    this.#holders = holders;
    this.#onFirstChange = onFirstChange;
  }

  /** As this commit leaves them. */
  get counters(): Readonly<MailboxMeta> {
    return this.#meta;
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** The last claim in this commit comes before the writes that follow. */
  get claimedBy(): StoreClient | undefined {
    return this.#claimedBy;
  }

  set(fields: Partial<Fields>): void {
    Object.assign(this.#change(), fields);
  }

  claim(client: StoreClient, fields: Partial<Fields>): void {
    this.set(fields);
    this.#claimedBy = client;
  }

  /** Adds the newest entry, retained if it is a state. Its holder is notified after the commit. */
  append(version: number, encoded: EncodedEvent): void {
    const { event, text } = encoded;
    const isCommand = eventClass(event.type) === "command";
    this.addPending(version, encoded);
    if (!isCommand && event.subject !== undefined)
      this.#tx.put(sentKey(this.#peer, event.subject), encodeSent(text));
    this.#tx.afterCommit(() => {
      // A later write of the same commit may have superseded a state.
      if (isCommand || this.#tx.writesEntry(this.#peer, version))
        this.#holders.entryAdded(this.#peer, version, encoded);
    });
    const meta = this.#change();
    // Versions assigned while nobody holds the mailbox were never sent. `told` keeps the highest
    // that was, so that a store that was rolled back is detected even after it has appended new
    // events.
    if (this.#claimedBy === undefined && !this.#holders.isHeld(this.#peer)) meta.told ??= version - 1;
    meta.lastVersion = version;
  }

  /** Adds an entry under a version that was assigned before. */
  addPending(version: number, { event, text, bytes }: EncodedEvent): void {
    const kind = eventClass(event.type);
    this.#tx.putEntry(this.#peer, version, text);
    if (kind !== "command")
      this.#tx.put(
        pendingStateKey(this.#peer, event.resourceid, kind),
        encodePendingState({ version, bytes }),
      );
    this.#count("pending", 1, bytes);
  }

  /** Takes an entry out. Retained state stays. */
  removePending({ version, bytes, resourceid, eventClass: kind }: PendingEntry): void {
    if (kind !== "command") this.#tx.remove(pendingStateKey(this.#peer, resourceid, kind));
    this.dropPending(version, bytes);
  }

  /** As `removePending`, where the row of its resource is removed otherwise. */
  dropPending(version: number, bytes: number): void {
    this.#tx.putEntry(this.#peer, version, undefined);
    this.#tx.afterCommit(() => this.#holders.entryRemoved(this.#peer, version));
    this.#count("pending", -1, bytes);
  }

  /** The entry keeps its version and its room in the mailbox. */
  toDeadLetter(entry: PendingEntry, text: string, reason: DeadLetterReason): void {
    this.removePending(entry);
    this.#tx.put(deadLetterKey(this.#peer, entry.version), encodeDeadLetter(text, reason));
    this.#count("deadLetters", 1, entry.bytes);
  }

  dropDeadLetter(version: number, bytes: number): void {
    this.#tx.remove(deadLetterKey(this.#peer, version));
    this.#count("deadLetters", -1, bytes);
  }

  #count(what: "pending" | "deadLetters", sign: 1 | -1, bytes: number): void {
    const meta = this.#change();
    meta[what] += sign;
    meta.bytes += sign * bytes;
  }

  #change(): MailboxMeta {
    this.#tx.revision++;
    if (!this.#isChanged) {
      this.#meta = { ...this.#meta };
      this.#isChanged = true;
      this.#onFirstChange();
    }
    return this.#meta;
  }
}

/** The classes of pending entries that an event of class `newer` supersedes. */
export function supersededClasses(newer: EventClass): readonly StateClass[] {
  return newer === "command" ? NO_CLASSES : STATE_CLASSES.filter((older) => supersedes(newer, older));
}

/** The pending states of a resource, of these classes: one entry for each at most. */
export async function pendingStates(
  tx: ChangeSet,
  peer: string,
  resourceid: string,
  classes: readonly StateClass[] = STATE_CLASSES,
): Promise<readonly PendingEntry[]> {
  const found: PendingEntry[] = [];
  for (const kind of classes) {
    const key = pendingStateKey(peer, resourceid, kind);
    const row = await tx.get(key);
    if (row !== undefined) found.push({ ...decodePendingState(row, key), resourceid, eventClass: kind });
  }
  return found;
}

/** A pending entry by its version; undefined where it is not pending. */
export async function pendingEntry(
  tx: ChangeSet,
  peer: string,
  version: number,
): Promise<(EntryIdentity & { readonly text: string }) | undefined> {
  const text = await tx.entry(peer, version);
  if (text === undefined) return undefined;
  const event = decodeEvent(text, entryPlace(peer, version));
  return { ...identify(version, Buffer.byteLength(text), event), text };
}
