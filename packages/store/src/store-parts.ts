import { HawserError } from "@hawser/protocol";
import { Latest, type Logger, type Random, type Runtime } from "@hawser/runtime";
import { AcknowledgementWriter } from "./writes/acknowledge.js";
import { Acknowledgements } from "./mailbox/acknowledgements.js";
import type { AppendContext } from "./writes/append.js";
import { Committer, type LazyWork } from "./commit/committer.js";
import { readContents } from "./layout/contents.js";
import { InboxWriter } from "./mailbox/inbox-writer.js";
import type { Disk, OpenDisk } from "./disk/disk.js";
import { IdempotencyRing } from "./writes/idempotency-ring.js";
import { LeaseTable } from "./mailbox/lease-table.js";
import type { MailboxLimits } from "./contract/mailbox.js";
import { PeerTable } from "./commit/peer-table.js";
import { PeerViews } from "./mailbox/peer-views.js";
import { PeerWatch } from "./mailbox/peer-watch.js";
import { PendingEntries } from "./writes/pending-entries.js";
import { Purges } from "./writes/purges.js";
import { Removals } from "./writes/removals.js";
import { RetainedReading } from "./mailbox/retained-reading.js";
import { RetainedRows } from "./writes/retained-rows.js";
import { SettledInboxes } from "./writes/inbox-sweeper.js";
import { StoreDevice } from "./commit/recovering-disk.js";
import type { StoreStatus } from "./contract/views.js";
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
  readonly leases: LeaseTable;
  readonly acknowledgements: Acknowledgements;
  readonly settled: SettledInboxes;
  readonly device: StoreDevice;
  readonly committer: Committer;
  readonly appending: AppendContext;
  readonly inboxes: InboxWriter;
  readonly retained: RetainedReading;
  readonly purges: Purges;
  readonly removals: Removals;
  readonly unused: UnusedMailboxes;
  readonly peers: PeerTable;
  readonly views: PeerViews;
  readonly watch: PeerWatch;
  readonly status = new Latest<StoreStatus>("unreachable");
  /** Name of the contents; empty until they were read. */
  id = "";
  readonly logger: Logger;
  readonly #random: Random;

  constructor({ disk, runtime, limits, lazyFlushMs, recoveryDelayMs }: StorePartsOptions) {
    const { clock, timers, logger, random } = runtime;
    this.logger = logger;
    this.#random = random;
    this.watch = new PeerWatch(runtime.timers, logger);
    const changed = (peer: string): void => this.watch.changed(peer);
    this.peers = new PeerTable(changed);
    this.leases = new LeaseTable(logger, changed);
    this.views = new PeerViews(this.peers, this.leases, runtime.clock);
    this.acknowledgements = new Acknowledgements(() => this.committer.lazyGathered());
    this.settled = new SettledInboxes(limits.maxPeers, () => this.committer.lazyGathered());
    this.device = new StoreDevice(disk, runtime, recoveryDelayMs, {
      opened: (opened) => this.#opened(opened),
      recovered: (missed) => {
        if (!missed) return;
        this.leases.loseAll();
        // What was missed may be that a peer lost its store: what was gathered before would be taken for what it says now.
        this.acknowledgements.forgetAll();
        this.settled.resetAll();
      },
      readable: (isReadable) => {
        const now = isReadable ? "ready" : "unreachable";
        if (this.status.value !== now) this.status.set(now);
      },
    });
    const entries = new PendingEntries(this.leases);
    const retained = new RetainedRows();
    const { peers, leases, acknowledgements, settled, device } = this;
    const writer = new AcknowledgementWriter({ acknowledgements, leases, entries, retained, logger });
    this.unused = new UnusedMailboxes({
      peers,
      leases,
      acknowledgements,
      settled,
      maxPeers: limits.maxPeers,
      onAdded: () => this.committer.lazyGathered(),
    });
    const lazy = lazyWork({ acknowledgements, writer, settled, unused: this.unused });
    this.committer = new Committer(device, peers, lazy, {
      timers,
      logger,
      lazyFlushMs,
    });
    const ring = new IdempotencyRing(limits, clock);
    this.appending = { limits, peers, entries, retained, ring };
    const current = (): Promise<OpenDisk> => device.current();
    const records = { maxPeers: limits.maxPeers, entries, retained };
    const { committer, unused } = this;
    this.inboxes = new InboxWriter({ committer, peers, settled, records, unused });
    this.retained = new RetainedReading(current, acknowledgements);
    const { maxTombstones } = limits;
    const removing = { committer, peers, leases, acknowledgements, settled, maxTombstones };
    this.purges = new Purges({
      committer,
      peers,
      leases,
      acknowledgements,
      entries,
      retained,
      disk: current,
    });
    this.removals = new Removals({ ...removing, timers, logger, retryDelayMs: recoveryDelayMs });
  }

  /** Writes what was gathered until now. */
  async flush(): Promise<void> {
    for (let left = Math.max(1, this.acknowledgements.commits); left > 0; left -= 1)
      await this.committer.settled();
  }

  async #opened(disk: OpenDisk): Promise<number> {
    const { id, commit } = await readContents(disk, this.#random);
    if (this.id !== "" && this.id !== id) {
      throw new HawserError("store_corrupt", "the contents of the store were replaced while it was in use");
    }
    await this.peers.load(disk);
    checkCounts(this.peers, disk.entryCounts?.());
    this.id = id;
    this.committer.continueFrom(commit);
    return commit;
  }
}

/**
 * Counters are written in the same commit as what they count, so a difference says that something was lost since.
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
  for (const [peer, { pending }] of peers.mailboxes()) check(peer, pending);
  for (const peer of counts.keys()) check(peer, peers.mailbox(peer)?.pending ?? 0);
}

interface LazyParts {
  readonly acknowledgements: Acknowledgements;
  readonly writer: AcknowledgementWriter;
  readonly settled: SettledInboxes;
  readonly unused: UnusedMailboxes;
}

function lazyWork({ acknowledgements, writer, settled, unused }: LazyParts): LazyWork {
  return {
    get empty() {
      return acknowledgements.empty && settled.empty && unused.empty;
    },
    reads: (plan) => writer.reads(plan),
    async apply(tx) {
      await writer.apply(tx);
      await settled.apply(tx);
      // Last, as the others may make rows for a peer that goes.
      await unused.apply(tx);
    },
  };
}
