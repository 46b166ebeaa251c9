import { HawserError } from "@hawser/protocol";
import type { CommitItem, ReadPlan } from "../commit/write.js";
import { encodeEvent } from "../layout/event-text.js";
import type { Begun, Recorded, RecordResult } from "../contract/inbox.js";
import { appliedKey, begunKey, pendingStateKey, receivedKey, sentKey } from "../layout/keys.js";
import { STATE_CLASSES, type PendingEntries } from "./pending-entries.js";
import { assertStays } from "./removal-mark.js";
import type { Tenure } from "../commit/peer-table.js";
import type { RetainedRows } from "./retained-rows.js";
import type { InboxMeta } from "../layout/counters.js";
import { decodeApplied, encodeApplied, encodeBegun } from "../layout/rows.js";
import type { Transaction } from "../commit/transaction.js";

/** What somebody writes who has, or had, a lease of the mailbox. */
export interface InboxWrite<Row> {
  readonly peer: string;
  readonly tenure: Tenure;
  readonly batch: readonly Row[];
}

/** Handlers are about to run. Not synced: what is lost with the machine only costs a wrong attempt number. */
export class BeginItem implements CommitItem {
  readonly sync = false;
  readonly #write: InboxWrite<Begun>;
  readonly #maxPeers: number;
  readonly #done: () => void;
  readonly #failed: (error: HawserError) => void;

  constructor(
    write: InboxWrite<Begun>,
    { maxPeers }: Pick<RecordContext, "maxPeers">,
    done: () => void,
    failed: (error: HawserError) => void,
  ) {
    this.#write = write;
    this.#maxPeers = maxPeers;
    this.#done = done;
    this.#failed = failed;
  }

  apply(tx: Transaction): void {
    const { peer, batch } = this.#write;
    assertOurs(tx, this.#write);
    tx.afterCommit(this.#done);
    const meta = tx.inboxOrNew(peer, this.#maxPeers);
    // No room for what is known of this peer: that its attempts are not written down only makes their numbers wrong.
    if (meta === undefined) return;
    let highest = 0;
    for (const { resourceid, version, attempt, peerStore } of batch) {
      if (!isOfPeer(tx, peer, peerStore)) continue;
      tx.put(begunKey(peer, resourceid), encodeBegun(version, attempt));
      highest = Math.max(highest, version);
    }
    if (highest > meta.highest) tx.setInbox(peer, { ...meta, highest });
  }

  failed(error: HawserError): void {
    this.#failed(error);
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
  /** It is kept only beside a sent state, and has no subject to have one: nothing at all is written of it. */
  | { readonly kind: "never" }
  | { readonly kind: "keep"; readonly subject: string; readonly text: string; readonly ifSent: boolean }
  | { readonly kind: "forget"; readonly subject: string };

interface PreparedRecord {
  readonly resourceid: string;
  readonly version: number;
  readonly peerStore: string | undefined;
  readonly retain: Retain;
}

const NONE: readonly number[] = [];

/** Events were dealt with. */
export class RecordItem implements CommitItem {
  readonly sync = true;
  readonly #write: InboxWrite<PreparedRecord>;
  readonly #context: RecordContext;
  readonly #done: (result: RecordResult) => void;
  readonly #failed: (error: HawserError) => void;

  /** @throws HawserError `invalid_event` when an event to keep cannot be written */
  constructor(
    { peer, tenure, batch }: InboxWrite<Recorded>,
    context: RecordContext,
    done: (result: RecordResult) => void,
    failed: (error: HawserError) => void,
  ) {
    this.#write = { peer, tenure, batch: batch.map(prepare) };
    this.#context = context;
    this.#done = done;
    this.#failed = failed;
  }

  get #peer(): string {
    return this.#write.peer;
  }

  reads(plan: ReadPlan): void {
    const peer = this.#peer;
    for (const { resourceid, retain } of this.#write.batch) {
      if (retain.kind === "never") continue;
      plan.keys.add(appliedKey(peer, resourceid));
      if (retain.kind === "nothing") continue;
      plan.keys.add(receivedKey(peer, retain.subject));
      if (retain.kind === "forget" || retain.ifSent) plan.keys.add(sentKey(peer, retain.subject));
      if (retain.kind === "keep") continue;
      for (const kind of STATE_CLASSES) plan.keys.add(pendingStateKey(peer, resourceid, kind));
    }
  }

  async apply(tx: Transaction): Promise<void> {
    const peer = this.#peer;
    assertOurs(tx, this.#write);
    const meta = tx.inboxOrNew(peer, this.#context.maxPeers);
    if (meta === undefined) {
      const message = `no inbox for ${peer}: the store holds ${this.#context.maxPeers}, its limit (maxPeers)`;
      throw new HawserError("store_full", message, { agent: peer });
    }
    let { highest } = meta;
    let { recorded: count } = meta;
    let discarded = NONE;
    let place = -1;
    for (const recorded of this.#write.batch) {
      place += 1;
      const { resourceid, version, peerStore, retain } = recorded;
      if (!isOfPeer(tx, peer, peerStore)) continue;
      const isKept =
        retain.kind === "keep" && retain.ifSent
          ? await this.#isSent(tx, resourceid, retain.subject)
          : retain.kind !== "never";
      if (!isKept || retain.kind === "never") {
        discarded = [...discarded, place];
        continue;
      }
      highest = Math.max(highest, version);
      count += 1;
      const key = appliedKey(peer, resourceid);
      const read = tx.get(key);
      const row = read instanceof Promise ? await read : read;
      // A handler of a session that was taken over may end after a newer version was recorded.
      const newer = row === undefined || decodeApplied(row, key) < version;
      if (newer) tx.put(key, encodeApplied(version));
      if (retain.kind !== "nothing") await this.#retain(tx, meta, recorded, retain);
    }
    if (count > meta.recorded) tx.setInbox(peer, { ...meta, highest, recorded: count });
    tx.afterCommit(() => this.#done({ recorded: count, discarded }));
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }

  async #isSent(tx: Transaction, resourceid: string, subject: string): Promise<boolean> {
    const sent = await this.#context.retained.sent(tx, this.#peer, subject);
    return sent?.event.resourceid === resourceid;
  }

  #retain(
    tx: Transaction,
    meta: Readonly<InboxMeta>,
    { resourceid, version }: PreparedRecord,
    retain: Extract<Retain, { kind: "keep" | "forget" }>,
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
  const { keep, ifSent = false } = retain;
  if (keep.subject === undefined) return { kind: ifSent ? "never" : "nothing" };
  return { kind: "keep", subject: keep.subject, text: encodeEvent(keep).text, ifSent };
}

/** @throws HawserError `superseded` where the peer was removed since the lease was opened */
function assertOurs(tx: Transaction, { peer, tenure }: Pick<InboxWrite<unknown>, "peer" | "tenure">): void {
  assertStays(tx, peer);
  if (tx.tenure(peer) !== tenure)
    throw new HawserError("superseded", `${peer} was removed since`, { agent: peer });
}

// Of another store of the peer than the one that its mailbox was last opened for, this version is another event's now.
function isOfPeer(tx: Transaction, peer: string, peerStore: string | undefined): boolean {
  return peerStore === undefined || tx.mailbox(peer)?.peerStore === peerStore;
}
