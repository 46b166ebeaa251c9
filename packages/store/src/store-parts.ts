import { HawserError } from "@hawser/protocol";
import type { Logger, Random, Runtime } from "@hawser/runtime";
import { AcknowledgementWriter } from "./acknowledgement-writer.js";
import { Acknowledgements } from "./acknowledgements.js";
import type { AppendContext } from "./append-item.js";
import { Committer, type LazyWork } from "./committer.js";
import { readContents } from "./contents.js";
import { DiskInbox } from "./disk-inbox.js";
import type { Disk, OpenDisk } from "./disk.js";
import { IdempotencyRing } from "./idempotency-ring.js";
import { LeaseTable } from "./lease-table.js";
import type { MailboxLimits } from "./mailbox.js";
import { PeerTable } from "./peer-table.js";
import { PendingEntries } from "./pending-entries.js";
import { Purges } from "./purges.js";
import { Removals } from "./removals.js";
import { RetainedReading } from "./retained-reading.js";
import { RetainedRows } from "./retained-rows.js";
import { SettledInboxes } from "./settled-inboxes.js";
import { StoreDevice } from "./store-device.js";
import { UnusedMailboxes } from "./unused-mailboxes.js";

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
  readonly inbox: DiskInbox;
  readonly retained: RetainedReading;
  readonly purges: Purges;
  readonly removals: Removals;
  readonly unused: UnusedMailboxes;
  readonly peers = new PeerTable();
  /** Name of the contents; empty until they were read. */
  id = "";
  readonly logger: Logger;
  readonly #random: Random;

  constructor({ disk, runtime, limits, lazyFlushMs, recoveryDelayMs }: StorePartsOptions) {
    const { clock, timers, logger, random } = runtime;
    this.logger = logger;
    this.#random = random;
    this.leases = new LeaseTable(logger);
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
    this.inbox = new DiskInbox({ committer, peers, settled, records, unused, disk: current });
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
