import { systemRuntime, TurnQueue, type Runtime } from "@hawser/runtime";
import { appendAnswers } from "./writes/append-answers.js";
import { AppendItem } from "./writes/append.js";
import { DEFAULT_LAZY_FLUSH_MS } from "./commit/committer.js";
import { DeadLetterItem, RequeueItem } from "./writes/dead-letters.js";
import { DiscardItem } from "./writes/discard.js";
import { DECODING_TURNS, DiskLease, type LeaseHost } from "./mailbox/lease.js";
import type { Disk } from "./disk/disk.js";
import { deadLetterKey, metaRange, peerOfMetaKey, peerRange } from "./layout/keys.js";
import type {
  Append,
  Appended,
  Claim,
  DeadLetter,
  DeadLetterReason,
  LeaseCallbacks,
  MailboxLease,
  MailboxLimits,
} from "./contract/mailbox.js";
import { resolveMailboxLimits } from "./contract/limits.js";
import { OpenItem, type Claimed } from "./writes/open.js";
import { ReadmitItem } from "./writes/readmit.js";
import { checkPageLimit } from "./mailbox/retained-reading.js";
import type { Page, RetainedStates } from "./contract/retained.js";
import { decodeDeadLetter, versionOfKey } from "./layout/rows.js";
import { DEFAULT_RECOVERY_DELAY_MS } from "./commit/recovering-disk.js";
import { standingOf, type Standing } from "./contract/rollback.js";
import { StoreLife } from "./store-life.js";
import { StoreParts } from "./store-parts.js";
import { decodeTombstone, type Tombstone } from "./contract/tombstone.js";
import type {
  Holder,
  Member,
  PeerQuery,
  PeerView,
  StoreStatus,
  StoreTotals,
  StoreWatcher,
} from "./contract/views.js";
import type { PurgeOptions, Purged, Removal, RemoveOptions, Store, StoreUse } from "./contract/store.js";

/** What every store over a `Disk` takes. */
export interface DiskStoreOptions {
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
  /** @default DEFAULT_MAILBOX_LIMITS, each one by itself */
  readonly limits?: Partial<MailboxLimits>;
  /** How long acknowledgements may wait for a commit to join before they are written by themselves. @default 50 */
  readonly lazyFlushMs?: number;
  /** Between attempts to open the disk again after it failed. @default 1_000 */
  readonly recoveryDelayMs?: number;
}

/**
 * A store over an ordered map with atomic batches: everything Hawser keeps, on any engine that offers the four calls of `OpenDisk`.
 *
 * @throws HawserError `invalid_config` for limits that are not positive integers
 */
export function createDiskStore(disk: Disk, options: DiskStoreOptions = {}): Store {
  return new DiskStore(disk, options);
}

/** A store that one process has to itself. */
const SELF = "local";

class DiskStore implements Store {
  readonly retained: RetainedStates;
  readonly #parts: StoreParts;
  readonly #maxPeers: number;
  readonly #runtime: Runtime;
  readonly #leaseHost: LeaseHost;
  readonly #life: StoreLife;
  /** When it was opened last, Unix milliseconds. */
  #since = 0;

  constructor(disk: Disk, options: DiskStoreOptions) {
    const limits = resolveMailboxLimits(options.limits);
    this.#maxPeers = limits.maxPeers;
    const runtime = options.runtime ?? systemRuntime();
    this.#runtime = runtime;
    const parts = new StoreParts({
      disk,
      runtime,
      limits,
      lazyFlushMs: options.lazyFlushMs ?? DEFAULT_LAZY_FLUSH_MS,
      recoveryDelayMs: options.recoveryDelayMs ?? DEFAULT_RECOVERY_DELAY_MS,
    });
    this.#parts = parts;
    this.retained = parts.retained;
    this.#life = new StoreLife({ open: () => this.#open(), close: () => this.#close() });
    this.#leaseHost = {
      acknowledgements: parts.acknowledgements,
      inboxes: parts.inboxes,
      clock: runtime.clock,
      decoding: new TurnQueue(runtime, DECODING_TURNS),
      handedOut: { count: 0 },
      disk: () => parts.device.current(),
      flush: () => parts.flush(),
      deadLetter: (peer, version, reason) => this.#deadLetter(peer, version, reason),
      release: (peer, lease) => parts.leases.release(peer, lease),
      givenUp: (peer) => parts.unused.add(peer),
    };
  }

  get id(): string {
    return this.#parts.id;
  }

  start(): Promise<void> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  use(): Promise<StoreUse> {
    return this.#life.use();
  }

  // Thousands may wait for one commit, so each is as little as can be: one item and one promise, and no more.
  append(batch: readonly Append[]): Promise<readonly Appended[]> {
    const { committer, appending } = this.#parts;
    return new Promise((resolve) => {
      const answers = appendAnswers(batch.length, resolve);
      batch.forEach((append, index) => committer.enqueue(new AppendItem(append, appending, answers, index)));
    });
  }

  async open(peer: string, holder: Holder, claim: Claim, on: LeaseCallbacks): Promise<MailboxLease> {
    const { leases, logger, unused } = this.#parts;
    unused.keep(peer);
    let lease: DiskLease | undefined;
    try {
      lease = await this.#claim(peer, holder, claim, on);
      await lease.load();
    } catch (thrown) {
      if (lease === undefined) unused.add(peer);
      else await lease.close();
      throw thrown;
    }
    const opened = lease;
    // One turn later: by then the caller has it.
    this.#runtime.timers.soon(() => leases.opened(peer, opened));
    logger.debug({ agent: peer, epoch: lease.epoch, holder: holder.session }, "mailbox opened");
    return lease;
  }

  #claim(peer: string, holder: Holder, claim: Claim, on: LeaseCallbacks): Promise<DiskLease> {
    const { committer, leases, settled, acknowledgements, peers } = this.#parts;
    return new Promise((resolve, reject) => {
      const opened = (claimed: Claimed): void => {
        const since = this.#runtime.clock.wallTime();
        const tenure = peers.tenure(peer) ?? { seenAt: since };
        peers.setTenure(peer, tenure);
        // A holder that is one of several members behind this store says which.
        const view = { member: SELF, ...holder, epoch: claimed.epoch, since };
        const lease = new DiskLease({ ...claimed, peer, tenure, holder: view, on }, this.#leaseHost);
        leases.install(peer, lease);
        resolve(lease);
      };
      const context = { maxPeers: this.#maxPeers, settled, acknowledgements };
      committer.enqueue(new OpenItem({ peer, claim, store: () => this.id }, context, opened, reject));
    });
  }

  async standing(peer: string): Promise<Standing | undefined> {
    const { device, peers } = this.#parts;
    await device.current();
    return standingOf(peers.mailbox(peer), peers.inbox(peer), peers.forgotten);
  }

  remove(peer: string, options: RemoveOptions = {}): Promise<Removal> {
    return this.#parts.removals.remove(peer, options);
  }

  async tombstone(peer: string): Promise<Tombstone | undefined> {
    const { device, peers } = this.#parts;
    await device.current();
    const row = peers.tombstone(peer);
    return row && { peer, at: row.at };
  }

  async tombstones(page: Page): Promise<readonly Tombstone[]> {
    const limit = checkPageLimit(page.limit);
    const disk = await this.#parts.device.current();
    const rows = await disk.range(metaRange("tombstone", limit, page.after));
    return rows.map(([key, value]) => ({ peer: peerOfMetaKey(key), at: decodeTombstone(value, key).at }));
  }

  readmit(peer: string): Promise<boolean> {
    return new Promise((resolve, reject) =>
      this.#parts.committer.enqueue(new ReadmitItem(peer, resolve, reject)),
    );
  }

  async peers(query: PeerQuery): Promise<readonly PeerView[]> {
    checkPageLimit(query.limit);
    const { device, views } = this.#parts;
    return views.page(await device.current(), query);
  }

  async stats(peer: string): Promise<PeerView | undefined> {
    const { device, views } = this.#parts;
    await device.current();
    return views.of(peer);
  }

  async totals(): Promise<StoreTotals> {
    const { device, views } = this.#parts;
    await device.current();
    return views.totals();
  }

  async members(): Promise<readonly Member[]> {
    await this.#parts.device.current();
    const seenAt = this.#runtime.clock.wallTime();
    return [{ name: SELF, since: this.#since, seenAt, isSelf: true }];
  }

  watch(on: StoreWatcher): () => void {
    return this.#parts.watch.watch(on);
  }

  status({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<StoreStatus> {
    return this.#parts.status.follow(signal);
  }

  async deadLetters(
    peer: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<readonly DeadLetter[]> {
    const limit = checkPageLimit(page.limit);
    const disk = await this.#parts.device.current();
    const after = page.after === undefined ? undefined : deadLetterKey(peer, page.after);
    const rows = await disk.range(peerRange("deadLetter", peer, limit, after));
    return rows.map(([key, value]) => decodeDeadLetter(value, versionOfKey(key), key));
  }

  requeue(peer: string, version: number): Promise<Appended> {
    return new Promise((resolve) =>
      this.#parts.committer.enqueue(new RequeueItem(peer, version, this.#parts.appending, resolve)),
    );
  }

  discard(peer: string, version: number): Promise<boolean> {
    return new Promise((resolve, reject) =>
      this.#parts.committer.enqueue(
        new DiscardItem({ peer, version }, this.#parts.appending.retained, resolve, reject),
      ),
    );
  }

  purge(peer: string, options: PurgeOptions = {}): Promise<Purged> {
    return this.#parts.purges.purge(peer, options);
  }

  #deadLetter(peer: string, version: number, reason: DeadLetterReason): Promise<boolean> {
    const { committer, appending } = this.#parts;
    return new Promise((resolve, reject) =>
      committer.enqueue(new DeadLetterItem({ peer, version, reason }, appending, resolve, reject)),
    );
  }

  async #open(): Promise<void> {
    const { committer, device, removals, unused } = this.#parts;
    try {
      await device.open();
    } catch (thrown) {
      throw device.explain(thrown);
    }
    this.#since = this.#runtime.clock.wallTime();
    committer.start();
    unused.addAll();
    removals.resume();
  }

  async #close(): Promise<void> {
    const { committer, device, leases, peers, removals, watch } = this.#parts;
    // Nothing is accepted from this very turn on.
    removals.stop();
    await committer.stop();
    leases.endAll();
    peers.endTenures();
    watch.stop();
    await device.close();
  }
}
