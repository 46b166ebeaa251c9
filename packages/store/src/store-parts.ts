import { HawserError } from "@hawser/protocol";
import { Latest, TurnQueue, type Runtime } from "@hawser/runtime";
import { Committer, type LazyWork } from "./commit/committer.js";
import { PeerTable } from "./commit/peer-table.js";
import { RecoveringDisk } from "./commit/recovering-disk.js";
import type { MailboxLimits } from "./contract/limits.js";
import type { StoreStatus } from "./contract/views.js";
import type { Disk, OpenDisk } from "./disk/disk.js";
import { readContents } from "./layout/contents.js";
import { Acknowledgements } from "./mailbox/acknowledgements.js";
import { InboxWriter } from "./mailbox/inbox-writer.js";
import { DECODING_TURNS } from "./mailbox/lease.js";
import { LeaseTable } from "./mailbox/lease-table.js";
import { PeerViews } from "./mailbox/peer-views.js";
import { PeerWatch } from "./mailbox/peer-watch.js";
import { RetainedReading } from "./mailbox/retained-reading.js";
import { AcknowledgementWriter } from "./writes/acknowledge.js";
import type { WriteContext } from "./writes/context.js";
import { IdempotencyRing } from "./writes/idempotency-ring.js";
import { InboxSweeper } from "./writes/inbox-sweeper.js";
import { Removals } from "./writes/remove.js";
import { UnusedMailboxes } from "./writes/unused-mailboxes.js";

export interface StorePartsOptions {
  readonly disk: Disk;
  readonly runtime: Runtime;
  readonly limits: MailboxLimits;
  readonly lazyFlushMs: number;
  readonly recoveryDelayMs: number;
}

/** The pieces of a store, wired to each other. */
export class StoreParts {
  readonly status = new Latest<StoreStatus>("unreachable");
  readonly watch: PeerWatch;
  readonly peers: PeerTable;
  readonly views: PeerViews;
  readonly context: WriteContext;
  readonly unused: UnusedMailboxes;
  readonly disk: RecoveringDisk;
  readonly committer: Committer;
  readonly inboxes: InboxWriter;
  readonly retained: RetainedReading;
  readonly removals: Removals;
  /** Name of the contents; empty until they were read. */
  id = "";
  readonly runtime: Runtime;
  readonly decoding: TurnQueue;
  readonly handedOut = { count: 0 };

  constructor({ disk, runtime, limits, lazyFlushMs, recoveryDelayMs }: StorePartsOptions) {
    const { clock, timers, logger } = runtime;
    this.runtime = runtime;
    this.decoding = new TurnQueue(runtime, DECODING_TURNS);
    this.watch = new PeerWatch(timers, logger);
    const changed = (peer: string): void => this.watch.changed(peer);
    const gathered = (): void => this.committer.lazyGathered();
    const peers = (this.peers = new PeerTable(changed));
    const leases = new LeaseTable(logger, changed);
    const acknowledgements = new Acknowledgements(gathered);
    const sweeper = new InboxSweeper(limits.maxPeers, gathered);
    const ring = new IdempotencyRing(limits, clock);
    const context = (this.context = { limits, leases, acknowledgements, sweeper, ring });
    this.views = new PeerViews(peers, leases, clock);
    const unused = (this.unused = new UnusedMailboxes(context, peers, gathered));
    this.disk = new RecoveringDisk(disk, runtime, recoveryDelayMs, {
      opened: (opened) => this.#opened(opened),
      recovered: (missed) => this.#recovered(missed),
      readable: (isReadable) => this.#readable(isReadable),
    });
    const lazy = lazyWork(context, new AcknowledgementWriter(context, logger), unused);
    const written = { disk: this.disk, peers, holders: leases, lazy };
    const committer = (this.committer = new Committer({ ...written, timers, logger, lazyFlushMs }));
    this.inboxes = new InboxWriter({ context, committer, peers });
    this.retained = new RetainedReading(this.disk, acknowledgements);
    const retryDelayMs = recoveryDelayMs;
    this.removals = new Removals({ context, committer, peers, timers, logger, retryDelayMs });
  }

  /** Writes what was gathered until now. */
  async flush(): Promise<void> {
    for (let left = Math.max(1, this.context.acknowledgements.commits); left > 0; left -= 1)
      await this.committer.flush();
  }

  async #opened(disk: OpenDisk): Promise<number> {
    const { id, commit } = await readContents(disk, this.runtime.random);
    if (this.id !== "" && this.id !== id)
      throw new HawserError("store_corrupt", "the contents of the store were replaced while it was in use");
    await this.peers.load(disk);
    checkCounts(this.peers, disk.entryCounts?.());
    this.id = id;
    this.committer.continueFrom(commit);
    return commit;
  }

  #recovered(missed: boolean): void {
    if (!missed) return;
    const { leases, acknowledgements, sweeper } = this.context;
    leases.loseAll();
    // The missed commit may have reset a peer. What was gathered before may belong to its previous
    // store.
    acknowledgements.forgetAll();
    sweeper.resetAll();
  }

  #readable(isReadable: boolean): void {
    const now = isReadable ? "ready" : "unreachable";
    if (this.status.value !== now) this.status.set(now);
  }
}

/**
 * Counters are written in the commit of what they count, so a difference shows a loss.
 *
 * @throws HawserError `store_corrupt`, naming the peer
 */
function checkCounts(peers: PeerTable, counts: ReadonlyMap<string, number> | undefined): void {
  if (counts === undefined) return;
  const check = (agent: string, pending: number): void => {
    const found = counts.get(agent) ?? 0;
    if (found === pending) return;
    const message = `the mailbox of ${agent} counts ${pending} pending events and holds ${found}: something of the store was lost; move it away and start with an empty one, then apply the manifests again (or adopt a backup: hawser adopt)`;
    throw new HawserError("store_corrupt", message, { agent });
  };
  for (const [peer, { pending }] of peers.mailboxes) check(peer, pending);
  for (const peer of counts.keys()) check(peer, peers.mailboxes.get(peer)?.pending ?? 0);
}

function lazyWork(
  { acknowledgements, sweeper }: WriteContext,
  writer: AcknowledgementWriter,
  unused: UnusedMailboxes,
): LazyWork {
  return {
    get empty() {
      return acknowledgements.empty && sweeper.empty && unused.empty;
    },
    reads: (plan) => writer.reads(plan),
    async apply(tx) {
      await writer.apply(tx);
      await sweeper.apply(tx);
      // Last, as the others may make rows for a peer that goes.
      await unused.apply(tx);
    },
  };
}
