import { systemRuntime, type Runtime } from "@hawser/runtime";
import { DEFAULT_LAZY_FLUSH_MS } from "./commit/committer.js";
import type { StoreClient } from "./commit/peer-table.js";
import { DEFAULT_RECOVERY_DELAY_MS } from "./commit/recovering-disk.js";
import { resolveMailboxLimits, type MailboxLimits } from "./contract/limits.js";
import type {
  Append,
  Appended,
  Claim,
  DeadLetter,
  LeaseCallbacks,
  MailboxLease,
} from "./contract/mailbox.js";
import type { Page, RetainedStates } from "./contract/retained.js";
import type { Store } from "./contract/store.js";
import type { Tombstone } from "./contract/tombstone.js";
import type { Holder, PeerQuery, PeerView } from "./contract/views.js";
import type { Disk } from "./disk/disk.js";
import { standingOf } from "./layout/counters.js";
import { deadLetterKey, metaRange, peerOfMetaKey, peerRange } from "./layout/keys.js";
import { decodeDeadLetter, decodeTombstone, versionOfKey } from "./layout/rows.js";
import { DiskLease } from "./mailbox/lease.js";
import { checkPageLimit } from "./mailbox/retained-reading.js";
import { StoreLife } from "./store-life.js";
import { StoreParts } from "./store-parts.js";
import { AppendAnswers, AppendWrite } from "./writes/append.js";
import { discard, requeue } from "./writes/dead-letters.js";
import { open, type Claimed } from "./writes/open.js";
import { purge } from "./writes/purge.js";
import { readmit } from "./writes/remove.js";

/** What every store over a `Disk` takes. */
export interface DiskStoreOptions {
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
  /** @default DEFAULT_MAILBOX_LIMITS, each one by itself */
  readonly limits?: Partial<MailboxLimits>;
  /** How long acknowledgements wait for a commit to join. @default 50 */
  readonly lazyFlushMs?: number;
  /** Between attempts to open the disk again after it failed. @default 1_000 */
  readonly recoveryDelayMs?: number;
}

/**
 * A store over an ordered map with atomic batches, on any engine that offers the calls of
 * `OpenDisk`.
 *
 * @throws HawserError `invalid_config` for limits that are not positive integers
 */
export function createDiskStore(disk: Disk, options: DiskStoreOptions = {}): Store {
  return new DiskStore(disk, options);
}

/** The only client of a store that one process has to itself. */
const SELF: StoreClient = { name: "local" };

/** A store on a disk, for one client or several. */
export class DiskStore implements Store {
  readonly retained: RetainedStates;
  readonly #parts: StoreParts;
  readonly #runtime: Runtime;
  readonly #life: StoreLife;
  /** When it was opened last, Unix milliseconds. */
  #since = 0;

  constructor(disk: Disk, options: DiskStoreOptions) {
    const runtime = options.runtime ?? systemRuntime();
    this.#runtime = runtime;
    const parts = new StoreParts({
      disk,
      runtime,
      limits: resolveMailboxLimits(options.limits),
      lazyFlushMs: options.lazyFlushMs ?? DEFAULT_LAZY_FLUSH_MS,
      recoveryDelayMs: options.recoveryDelayMs ?? DEFAULT_RECOVERY_DELAY_MS,
    });
    this.#parts = parts;
    this.retained = parts.retained;
    this.#life = new StoreLife({ open: () => this.#open(), close: () => this.#close() });
  }

  readonly start: Store["start"] = () => this.#life.start();
  readonly stop: Store["stop"] = () => this.#life.stop();
  readonly use: Store["use"] = () => this.#life.use();
  readonly [Symbol.asyncDispose] = this.stop;
  readonly requeue: Store["requeue"] = (...about) => this.#parts.committer.commit(requeue(...about));
  readonly discard: Store["discard"] = (...about) => this.#parts.committer.commit(discard(...about));
  readonly readmit: Store["readmit"] = (peer) => this.#parts.committer.commit(readmit(peer));
  readonly remove: Store["remove"] = (peer, options = {}) => this.#parts.removals.remove(peer, options);
  readonly purge: Store["purge"] = (peer, options = {}) => purge(this.#parts, peer, options);
  readonly watch: Store["watch"] = (on) => this.#parts.watch.watch(on);
  readonly status: Store["status"] = ({ signal } = {}) => this.#parts.status.follow(signal);
  readonly stats: Store["stats"] = (peer) => this.#read(({ views }) => views.of(peer));
  readonly totals: Store["totals"] = () => this.#read(({ views }) => views.totals());
  readonly standing: Store["standing"] = (peer) =>
    this.#read(({ peers }) =>
      standingOf(peers.mailboxes.get(peer), peers.inboxes.get(peer), peers.forgotten),
    );
  readonly tombstone: Store["tombstone"] = (peer) =>
    this.#read(({ peers }) => {
      const row = peers.tombstones.get(peer);
      return row && { peer, at: row.at };
    });
  readonly members: Store["members"] = () =>
    this.#read(() => {
      const seenAt = this.#runtime.clock.wallTime();
      return [{ name: SELF.name, since: this.#since, seenAt, isSelf: true }];
    });

  get id(): string {
    return this.#parts.id;
  }

  // Thousands may wait for one commit, so each costs one item and one promise, and no more.
  append(batch: readonly Append[]): Promise<readonly Appended[]> {
    const { committer, context } = this.#parts;
    return new Promise((resolve) => {
      const answers = new AppendAnswers(batch.length, resolve);
      batch.forEach((append, index) => committer.enqueue(new AppendWrite(append, context, answers, index)));
    });
  }

  open(peer: string, holder: Holder, claim: Claim, on: LeaseCallbacks): Promise<MailboxLease> {
    return this.openAs(SELF, peer, holder, claim, on);
  }

  /** As `open`, for one of several clients. None writes under a claim of another. */
  async openAs(
    client: StoreClient,
    peer: string,
    holder: Holder,
    claim: Claim,
    on: LeaseCallbacks,
  ): Promise<DiskLease> {
    const { committer, context, unused } = this.#parts;
    const { logger, timers } = this.#runtime;
    unused.keep(peer);
    let lease: DiskLease | undefined;
    try {
      const request = { peer, client, claim, store: () => this.id };
      const opened = (claimed: Claimed): DiskLease => this.#lease(client, { peer, holder, on }, claimed);
      lease = await committer.commit(open(request, context, opened));
      await lease.load();
    } catch (thrown) {
      if (lease === undefined) unused.add(peer);
      else await lease.close();
      throw thrown;
    }
    const opened = lease;
    // One turn later: by then the caller has it.
    timers.soon(() => context.leases.opened(peer, opened));
    logger.debug({ agent: peer, epoch: lease.epoch, holder: holder.session }, "mailbox opened");
    return lease;
  }

  /** The claim is on disk: from here on its holder has the mailbox. */
  #lease(
    client: StoreClient,
    { peer, holder, on }: { readonly peer: string; readonly holder: Holder; readonly on: LeaseCallbacks },
    claimed: Claimed,
  ): DiskLease {
    const { context, peers } = this.#parts;
    const since = this.#runtime.clock.wallTime();
    const former = peers.tenures.get(peer);
    const tenure = former?.client === client ? former : { client, isKnown: false, seenAt: since };
    peers.tenures.set(peer, tenure);
    const view = { ...holder, member: client.name, epoch: claimed.epoch, since };
    const lease = new DiskLease({ ...claimed, peer, tenure, holder: view, on }, this.#parts);
    context.leases.install(peer, lease);
    return lease;
  }

  async tombstones(page: Page): Promise<readonly Tombstone[]> {
    const limit = checkPageLimit(page.limit);
    const disk = await this.#parts.disk.current();
    const rows = await disk.range(metaRange("tombstone", limit, page.after));
    return rows.map(([key, value]) => ({ peer: peerOfMetaKey(key), at: decodeTombstone(value, key).at }));
  }

  async peers(query: PeerQuery): Promise<readonly PeerView[]> {
    checkPageLimit(query.limit);
    const { disk, views } = this.#parts;
    return views.page(await disk.current(), query);
  }

  async deadLetters(
    peer: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<readonly DeadLetter[]> {
    const limit = checkPageLimit(page.limit);
    const disk = await this.#parts.disk.current();
    const after = page.after === undefined ? undefined : deadLetterKey(peer, page.after);
    const rows = await disk.range(peerRange("deadLetter", peer, limit, after));
    return rows.map(([key, value]) => decodeDeadLetter(value, versionOfKey(key), key));
  }

  /** What is known in memory, as long as the disk can be read. */
  async #read<T>(read: (parts: StoreParts) => T): Promise<T> {
    await this.#parts.disk.current();
    return read(this.#parts);
  }

  async #open(): Promise<void> {
    const { committer, disk, removals, unused } = this.#parts;
    try {
      await disk.open();
    } catch (thrown) {
      throw disk.explain(thrown);
    }
    this.#since = this.#runtime.clock.wallTime();
    committer.start();
    unused.addAll();
    removals.resume();
  }

  async #close(): Promise<void> {
    const { committer, context, disk, peers, removals, watch } = this.#parts;
    // Nothing is accepted from this very turn on.
    removals.stop();
    await committer.stop();
    context.leases.endAll();
    peers.tenures.clear();
    watch.stop();
    await disk.close();
  }
}
