import { HawserError } from "@hawser/protocol";
import type { CommitItem, ReadPlan } from "./commit-item.js";
import { encodeEvent } from "./event-text.js";
import type { Begun, Recorded } from "./inbox-store.js";
import { appliedKey, begunKey, pendingStateKey, receivedKey, sentKey } from "./keys.js";
import { STATE_CLASSES, type PendingEntries } from "./pending-entries.js";
import { assertStays } from "./removal-mark.js";
import type { RetainedRows } from "./retained-rows.js";
import type { InboxMeta } from "./counters.js";
import { decodeApplied, encodeApplied, encodeBegun } from "./rows.js";
import type { Transaction } from "./transaction.js";

/** Handlers are about to run. Not synced: what is lost with the machine only costs a wrong attempt number. */
export class BeginItem implements CommitItem {
  readonly sync = false;
  readonly #peer: string;
  readonly #batch: readonly Begun[];
  readonly #maxPeers: number;
  readonly #done: (error?: HawserError) => void;

  constructor(
    peer: string,
    batch: readonly Begun[],
    { maxPeers }: Pick<RecordContext, "maxPeers">,
    done: (error?: HawserError) => void,
  ) {
    this.#peer = peer;
    this.#batch = batch;
    this.#maxPeers = maxPeers;
    this.#done = done;
  }

  apply(tx: Transaction): void {
    assertStays(tx, this.#peer);
    tx.afterCommit(() => this.#done());
    const meta = tx.inboxOrNew(this.#peer, this.#maxPeers);
    // No room for what is known of this peer: that its attempts are not written down only makes their numbers wrong.
    if (meta === undefined) return;
    let highest = 0;
    for (const { resourceid, version, attempt, peerStore } of this.#batch) {
      if (!isOfPeer(tx, this.#peer, peerStore)) continue;
      tx.put(begunKey(this.#peer, resourceid), encodeBegun(version, attempt));
      highest = Math.max(highest, version);
    }
    if (highest > meta.highest) tx.setInbox(this.#peer, { ...meta, highest });
  }

  failed(error: HawserError): void {
    this.#done(error);
  }
}

/** What recording needs of its store. */
export interface RecordContext {
  readonly maxPeers: number;
  readonly entries: PendingEntries;
  readonly retained: RetainedRows;
}

type Retain =
  | { readonly kind: "nothing" }
  | { readonly kind: "keep"; readonly subject: string; readonly text: string }
  | { readonly kind: "forget"; readonly subject: string };

interface PreparedRecord {
  readonly resourceid: string;
  readonly version: number;
  readonly peerStore: string | undefined;
  readonly retain: Retain;
}

/** Events were dealt with. */
export class RecordItem implements CommitItem {
  readonly sync = true;
  readonly #peer: string;
  readonly #batch: readonly PreparedRecord[];
  readonly #context: RecordContext;
  readonly #done: (error?: HawserError) => void;

  /** @throws HawserError `invalid_event` when an event to keep cannot be written */
  constructor(
    peer: string,
    batch: readonly Recorded[],
    context: RecordContext,
    done: (error?: HawserError) => void,
  ) {
    this.#peer = peer;
    this.#batch = batch.map(prepare);
    this.#context = context;
    this.#done = done;
  }

  reads(plan: ReadPlan): void {
    for (const { resourceid, retain } of this.#batch) {
      plan.keys.add(appliedKey(this.#peer, resourceid));
      if (retain.kind !== "nothing") plan.keys.add(receivedKey(this.#peer, retain.subject));
      if (retain.kind !== "forget") continue;
      plan.keys.add(sentKey(this.#peer, retain.subject));
      for (const kind of STATE_CLASSES) plan.keys.add(pendingStateKey(this.#peer, resourceid, kind));
    }
  }

  async apply(tx: Transaction): Promise<void> {
    assertStays(tx, this.#peer);
    const ofPeer = this.#batch.filter(({ peerStore }) => isOfPeer(tx, this.#peer, peerStore));
    if (ofPeer.length === 0) return tx.afterCommit(() => this.#done());
    const meta = tx.inboxOrNew(this.#peer, this.#context.maxPeers);
    if (meta === undefined) {
      const message = `no inbox for ${this.#peer}: the store holds ${this.#context.maxPeers}, its limit (maxPeers)`;
      throw new HawserError("store_full", message, { agent: this.#peer });
    }
    let { highest } = meta;
    let { recorded: count } = meta;
    for (const recorded of ofPeer) {
      highest = Math.max(highest, recorded.version);
      count += 1;
      const key = appliedKey(this.#peer, recorded.resourceid);
      const read = tx.get(key);
      const row = read instanceof Promise ? await read : read;
      // A handler of a session that was taken over may end after a newer version was recorded.
      const newer = row === undefined || decodeApplied(row, key) < recorded.version;
      if (newer) tx.put(key, encodeApplied(recorded.version));
      if (recorded.retain.kind !== "nothing") await this.#retain(tx, meta, recorded, recorded.retain);
    }
    tx.setInbox(this.#peer, { ...meta, highest, recorded: count });
    tx.afterCommit(() => this.#done());
  }

  failed(error: HawserError): void {
    this.#done(error);
  }

  #retain(
    tx: Transaction,
    meta: Readonly<InboxMeta>,
    { resourceid, version }: PreparedRecord,
    retain: Exclude<Retain, { kind: "nothing" }>,
  ): Promise<void> {
    if (retain.kind === "forget") return this.#forget(tx, resourceid, retain.subject);
    const { subject, text } = retain;
    return this.#context.retained.keepReceived(tx, this.#peer, meta.incarnation, version, subject, text);
  }

  /** The peer deleted the resource: what it said of it, and what is still to be said to it about it, is pointless. */
  async #forget(tx: Transaction, resourceid: string, subject: string): Promise<void> {
    const { retained, entries } = this.#context;
    await retained.forgetReceived(tx, this.#peer, subject, resourceid);
    await retained.forgetSent(tx, this.#peer, subject, resourceid);
    for (const entry of await entries.states(tx, this.#peer, resourceid)) {
      const meta = tx.mailbox(this.#peer);
      if (meta !== undefined) entries.remove(tx, this.#peer, tx.draft(this.#peer, meta), entry);
    }
  }
}

function prepare(recorded: Recorded): PreparedRecord {
  const { resourceid, version, peerStore, retain } = recorded;
  return { resourceid, version, peerStore, retain: prepareRetain(retain) };
}

function prepareRetain(retain: Recorded["retain"]): Retain {
  if (retain === undefined) return { kind: "nothing" };
  if ("forget" in retain) return { kind: "forget", subject: retain.forget };
  const { subject } = retain.keep;
  if (subject === undefined) return { kind: "nothing" };
  return { kind: "keep", subject, text: encodeEvent(retain.keep).text };
}

// Of another store of the peer than the one that its mailbox was last opened for, this version is another event's now; of a peer that was removed, nothing is kept.
function isOfPeer(tx: Transaction, peer: string, peerStore: string | undefined): boolean {
  return peerStore === undefined || tx.mailbox(peer)?.peerStore === peerStore;
}
