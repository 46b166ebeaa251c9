import { HawserError } from "@hawser/protocol";
import type { Logger, Timer, Timers } from "@hawser/runtime";
import type { Committer } from "../commit/committer.js";
import type { MailboxDraft } from "../commit/mailbox-draft.js";
import type { PeerTable } from "../commit/peer-table.js";
import type { Transaction } from "../commit/transaction.js";
import type { Write } from "../commit/write.js";
import type { Removal, RemoveOptions } from "../contract/store.js";
import { peerRange, type PeerRows } from "../layout/keys.js";
import { versionOfKey } from "../layout/rows.js";
import type { WriteContext } from "./context.js";

/** Rows of a peer that go with one commit, so that a long mailbox holds nobody else up. */
const ROWS_PER_COMMIT = 1_000;
/** Length of the entries and dead letters that are read at once, to keep count of what is left. */
const LENGTH_PER_COMMIT = 2_097_152;

/** First, as an index row without its entry would make the next state remove that again. */
const BEFORE_ENTRIES: readonly PeerRows[] = ["pendingState", "sent"];
const AFTER_ENTRIES: readonly PeerRows[] = [
  "deadLetter",
  "received",
  "inbox",
  "idempotencyKey",
  "idempotencyOrder",
];

/** What became of a removal; `more`: rows are left, so the next step is due. */
type RemoveStep = Removal | "more";

interface RemoveTarget extends RemoveOptions {
  readonly peer: string;
  /** Only continues a removal. Meanwhile there may be a new mailbox under the name. */
  readonly continues: boolean;
}

/** One commit's share of a removal. */
interface Share {
  readonly peer: string;
  readonly mailbox: MailboxDraft;
  /** Rows and entries that may still go with it. */
  room: number;
  /** Nothing else is left. */
  isAll: boolean;
}

/**
 * One step of a removal: each commit takes a page of the peer's rows, and the last one the
 * counters. The first commit marks the mailbox: nothing is accepted for it, nobody holds it, and
 * after an interruption the mark says that the removal is to be finished.
 */
function removeStep(
  { peer, ifNothingPending = false, tombstone, continues }: RemoveTarget,
  { leases, acknowledgements, sweeper, limits }: WriteContext,
): Write<RemoveStep> {
  const bury = (tx: Transaction): void => {
    if (tombstone !== undefined) tx.bury(peer, tombstone.at, limits.maxTombstones);
  };
  /** Why nothing is removed; undefined when something is. */
  const objection = (tx: Transaction): "none" | "pending" | undefined => {
    const counters = tx.mailboxOf(peer)?.counters;
    if (counters?.removing === true) return undefined;
    if (continues || (counters === undefined && tx.inbox(peer) === undefined)) return "none";
    return ifNothingPending && counters !== undefined && counters.pending > 0 ? "pending" : undefined;
  };
  return {
    sync: true,
    async apply(tx) {
      const why = objection(tx);
      // A peer of which nothing is kept may come again as well.
      if (why === "none") bury(tx);
      if (why !== undefined) return () => why;
      // A peer that never had a mailbox may have an inbox. The mark needs counters.
      const mailbox = tx.mailboxOrNew(peer, Number.POSITIVE_INFINITY);
      if (mailbox === undefined) return () => "none";
      const share = { peer, mailbox, room: ROWS_PER_COMMIT, isAll: true };
      for (const table of BEFORE_ENTRIES) await removeRows(tx, table, share);
      await removeEntries(tx, share);
      for (const table of AFTER_ENTRIES) await removeRows(tx, table, share);
      bury(tx);
      if (share.isAll) tx.drop(peer);
      else mailbox.set({ removing: true });
      return () => {
        acknowledgements.forget(peer);
        sweeper.reset(peer);
        leases.lose(peer);
        return share.isAll ? "removed" : "more";
      };
    },
  };
}

async function removeEntries(tx: Transaction, share: Share): Promise<void> {
  const { peer, mailbox, room } = share;
  if (room === 0) return leave(share);
  const page = await tx.entryPage({ peer, after: 0, limit: room, maxLength: LENGTH_PER_COMMIT });
  share.isAll &&= page.isLast;
  share.room = Math.max(0, room - page.entries.length);
  for (const { version, text } of page.entries) mailbox.dropPending(version, Buffer.byteLength(text));
}

async function removeRows(tx: Transaction, table: PeerRows, share: Share): Promise<void> {
  const { peer, mailbox, room } = share;
  if (room === 0) return leave(share);
  const isCounted = table === "deadLetter";
  const page = await tx.page({
    ...peerRange(table, peer, room),
    ...(isCounted ? { maxLength: LENGTH_PER_COMMIT } : { keysOnly: true }),
  });
  share.isAll &&= page.isLast;
  share.room = Math.max(0, room - page.rows.length);
  for (const [key, value] of page.rows) {
    const bytes = Buffer.byteLength(value.slice(value.indexOf("\n") + 1));
    if (isCounted) mailbox.dropDeadLetter(versionOfKey(key), bytes);
    else tx.remove(key);
  }
}

/** For the next commit. */
function leave(share: Share): void {
  share.isAll = false;
}

/** Lets a removed peer come again. False where it was not removed. */
export function readmit(peer: string): Write<boolean> {
  return {
    sync: true,
    apply(tx) {
      const found = tx.readmit(peer);
      return () => found;
    },
  };
}

export interface RemovalsOptions {
  readonly context: WriteContext;
  readonly committer: Committer;
  readonly peers: PeerTable;
  readonly timers: Timers;
  readonly logger: Logger;
  /** How long after a failed step the next one is tried. */
  readonly retryDelayMs: number;
}

/** Removals of peers, each over as many commits as it takes, and those that were interrupted. */
export class Removals {
  readonly #options: RemovalsOptions;
  /** Removals without a caller, if they have begun at all: the next step finds out. */
  readonly #interrupted = new Set<string>();
  #state: "stopped" | "idle" | "finishing" = "stopped";
  #retry: Timer | undefined;

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** @throws HawserError why a step was not written; what has begun is finished later */
  async remove(peer: string, options: RemoveOptions): Promise<Removal> {
    try {
      const first = await this.#step({ peer, ...options, continues: false });
      if (first !== "more") return first;
      await this.#finish(peer);
      return "removed";
    } catch (thrown) {
      if (this.#state !== "stopped") this.#interrupted.add(peer);
      this.#resumeLater(thrown);
      throw thrown;
    }
  }

  /** The store has started: finishes removals that were begun before, one peer after the other. */
  resume(): void {
    this.#state = "idle";
    for (const [peer, { removing }] of this.#options.peers.mailboxes)
      if (removing) this.#interrupted.add(peer);
    void this.#run();
  }

  /** The store stops. The marks on the disk say which removals the next start continues. */
  stop(): void {
    this.#state = "stopped";
    this.#interrupted.clear();
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  async #run(): Promise<void> {
    if (this.#state !== "idle") return;
    this.#state = "finishing";
    try {
      for (const peer of this.#interrupted) {
        const found = await this.#finish(peer);
        this.#interrupted.delete(peer);
        if (found) this.#options.logger.info({ agent: peer }, "an interrupted removal is finished");
      }
      this.#idle();
    } catch (thrown) {
      this.#idle();
      this.#resumeLater(thrown);
    }
  }

  #idle(): void {
    if (this.#state === "finishing") this.#state = "idle";
  }

  /** Where waiting does not help, the next start continues. */
  #resumeLater(thrown: unknown): void {
    if (thrown instanceof HawserError && thrown.code === "store_corrupt") return;
    if (this.#state === "stopped" || this.#retry !== undefined) return;
    this.#retry = this.#options.timers.after(this.#options.retryDelayMs, () => {
      this.#retry = undefined;
      void this.#run();
    });
  }

  /** False when there is no removal to continue. */
  async #finish(peer: string): Promise<boolean> {
    let step: RemoveStep;
    do step = await this.#step({ peer, continues: true });
    while (step === "more");
    return step === "removed";
  }

  #step(target: RemoveTarget): Promise<RemoveStep> {
    const { committer, context } = this.#options;
    return committer.commit(removeStep(target, context));
  }
}
