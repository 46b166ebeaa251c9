import { HawserError } from "@hawser/protocol";
import { systemRuntime, TurnQueue, type Runtime } from "@hawser/runtime";
import { appendAnswers } from "./append-answers.js";
import { AppendItem } from "./append-item.js";
import { DEFAULT_LAZY_FLUSH_MS } from "./committer.js";
import { DeadLetterItem, RequeueItem } from "./dead-letter-items.js";
import { DiscardItem } from "./discard-item.js";
import { DECODING_TURNS, DiskLease, type LeaseHost } from "./disk-lease.js";
import type { Disk } from "./disk.js";
import type { InboxStore } from "./inbox-store.js";
import { deadLetterKey, metaRange, peerOfMetaKey, peerRange } from "./keys.js";
import type {
  Append,
  Appended,
  DeadLetter,
  DeadLetterReason,
  LeaseCallbacks,
  LeaseOptions,
  MailboxLease,
  MailboxLimits,
  MailboxStats,
} from "./mailbox.js";
import { resolveMailboxLimits } from "./mailbox-limits.js";
import { OpenItem } from "./open-item.js";
import { ReadmitItem } from "./readmit-item.js";
import { checkPageLimit } from "./retained-reading.js";
import type { Page, RetainedStates } from "./retained-state.js";
import { decodeMailboxMeta, type MailboxMeta } from "./counters.js";
import { decodeDeadLetter, versionOfKey } from "./rows.js";
import { DEFAULT_RECOVERY_DELAY_MS } from "./store-device.js";
import { standingOf, type Standing } from "./standing.js";
import { StoreParts } from "./store-parts.js";
import { decodeTombstone, type Tombstone } from "./tombstone.js";
import type { PurgeOptions, Purged, Removal, RemoveOptions, Store, StoreUse } from "./store.js";

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

type State =
  | { readonly kind: "closed" }
  | { readonly kind: "opening"; readonly ready: Promise<void> }
  | { readonly kind: "open" }
  | { readonly kind: "closing"; readonly done: Promise<void> };

class DiskStore implements Store {
  readonly inbox: InboxStore;
  readonly retained: RetainedStates;
  readonly #parts: StoreParts;
  readonly #maxPeers: number;
  readonly #leaseHost: LeaseHost;
  #state: State = { kind: "closed" };
  /** By `start`, whose owner ends it by `stop`. */
  #started = false;
  readonly #uses = new Set<StoreUse>();

  constructor(disk: Disk, options: DiskStoreOptions) {
    const limits = resolveMailboxLimits(options.limits);
    this.#maxPeers = limits.maxPeers;
    const runtime = options.runtime ?? systemRuntime();
    const parts = new StoreParts({
      disk,
      runtime,
      limits,
      lazyFlushMs: options.lazyFlushMs ?? DEFAULT_LAZY_FLUSH_MS,
      recoveryDelayMs: options.recoveryDelayMs ?? DEFAULT_RECOVERY_DELAY_MS,
    });
    this.#parts = parts;
    this.inbox = parts.inbox;
    this.retained = parts.retained;
    this.#leaseHost = {
      acknowledgements: parts.acknowledgements,
      decoding: new TurnQueue(runtime, DECODING_TURNS),
      handedOut: { count: 0 },
      disk: () => parts.device.current(),
      flush: () => parts.committer.settled(),
      deadLetter: (peer, version, reason) => this.#deadLetter(peer, version, reason),
      release: (peer, lease) => parts.leases.release(peer, lease),
      givenUp: (peer) => parts.unused.add(peer),
    };
  }

  get id(): string {
    return this.#parts.id;
  }

  async start(): Promise<void> {
    this.#started = true;
    try {
      await this.#open();
    } catch (thrown) {
      this.#started = false;
      throw thrown;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async stop(): Promise<void> {
    this.#started = false;
    this.#uses.clear();
    await this.#close();
  }

  async use(): Promise<StoreUse> {
    const use: StoreUse = { release: () => this.#release(use) };
    this.#uses.add(use);
    try {
      await this.#open();
    } catch (thrown) {
      this.#uses.delete(use);
      throw thrown;
    }
    return use;
  }

  // Thousands may wait for one commit, so each is as little as can be: one item and one promise, and no more.
  append(batch: readonly Append[]): Promise<readonly Appended[]> {
    const { committer, appending } = this.#parts;
    return new Promise((resolve) => {
      const answers = appendAnswers(batch.length, resolve);
      batch.forEach((append, index) => committer.enqueue(new AppendItem(append, appending, answers, index)));
    });
  }

  open(peer: string, holder: string, options: LeaseOptions, on: LeaseCallbacks): Promise<MailboxLease> {
    const { committer, leases, settled, acknowledgements, logger, unused } = this.#parts;
    unused.keep(peer);
    const { withJson = false } = options;
    return new Promise((resolve, reject) => {
      const opened = (epoch: number, toldBefore: number): void => {
        const lease = new DiskLease({ peer, epoch, toldBefore, withJson, on }, this.#leaseHost);
        leases.install(peer, lease);
        logger.debug({ agent: peer, epoch, holder }, "mailbox opened");
        resolve(lease);
      };
      const claim = { ...options, peer };
      const context = { maxPeers: this.#maxPeers, settled, acknowledgements };
      committer.enqueue(new OpenItem(claim, context, opened, reject));
    });
  }

  standing(peer: string): Standing | undefined {
    const { peers } = this.#parts;
    return standingOf(peers.mailbox(peer), peers.inbox(peer), peers.forgotten);
  }

  get forgotten(): Standing["own"] {
    return this.#parts.peers.forgotten;
  }

  remove(peer: string, options: RemoveOptions = {}): Promise<Removal> {
    return this.#parts.removals.remove(peer, options);
  }

  tombstone(peer: string): Tombstone | undefined {
    const row = this.#parts.peers.tombstone(peer);
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

  async peers(page: Page): Promise<readonly MailboxStats[]> {
    const limit = checkPageLimit(page.limit);
    const disk = await this.#parts.device.current();
    const rows = await disk.range(metaRange("mailbox", limit, page.after));
    return rows.map(([key, value]) => statsOf(peerOfMetaKey(key), decodeMailboxMeta(value, key)));
  }

  async stats(peer: string): Promise<MailboxStats | undefined> {
    await this.#parts.device.current();
    const meta = this.#parts.peers.mailbox(peer);
    return meta === undefined ? undefined : statsOf(peer, meta);
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

  get #isWanted(): boolean {
    return this.#started || this.#uses.size > 0;
  }

  async #release(use: StoreUse): Promise<void> {
    this.#uses.delete(use);
    if (!this.#isWanted) await this.#close();
  }

  async #open(): Promise<void> {
    const state = this.#state;
    switch (state.kind) {
      case "open":
        return;
      case "opening":
        return state.ready;
      case "closing":
        await state.done;
        if (!this.#isWanted)
          throw new HawserError("aborted", "the store was stopped before it had started; start it again");
        return this.#open();
      case "closed": {
        const ready = this.#openDevice();
        this.#state = { kind: "opening", ready };
        return ready;
      }
    }
  }

  async #close(): Promise<void> {
    const state = this.#state;
    switch (state.kind) {
      case "closed":
        return;
      case "closing":
        return state.done;
      case "opening":
        await state.ready.catch(() => {});
        // Whoever came meanwhile came after this.
        return this.#isWanted ? undefined : this.#close();
      case "open": {
        const done = this.#closeDevice();
        this.#state = { kind: "closing", done };
        return done;
      }
    }
  }

  async #openDevice(): Promise<void> {
    try {
      await this.#parts.device.open();
      this.#parts.committer.start();
      this.#parts.unused.addAll();
      this.#parts.removals.resume();
      this.#state = { kind: "open" };
    } catch (thrown) {
      this.#state = { kind: "closed" };
      throw this.#parts.device.explain(thrown);
    }
  }

  async #closeDevice(): Promise<void> {
    try {
      // Nothing is accepted from this very turn on.
      this.#parts.removals.stop();
      await this.#parts.committer.stop();
      this.#parts.leases.endAll();
      await this.#parts.device.close();
    } finally {
      this.#state = { kind: "closed" };
    }
  }
}

function statsOf(peer: string, meta: Readonly<MailboxMeta>): MailboxStats {
  const { pending, deadLetters, bytes, position, peerStore } = meta;
  return { peer, pending, deadLetters, bytes, lastVersion: position, everOpened: peerStore !== "" };
}
