import { HawserError } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";
import type { LeaseLoss, MailboxEntry, MailboxLease, Recorded, Store } from "@hawser/store";

/** Entries that are read at a time to learn what there is. */
const AT_ONCE = 1_000;
const AT_ONCE_BYTES = 1_048_576;
const HOLDER = { session: "event log", transport: "", address: "", internal: true, software: "" };
/** Between attempts to claim the mailbox again after its disk failed. */
const REOPEN_DELAY_MS = 1_000;

export interface LogMailboxOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly peer: string;
  /** Called for each entry in order of version: all that there are, and then each new one once it is on disk. Must not throw. */
  readonly onEntry: (entry: MailboxEntry) => void;
  /** Called once all that there were have been told. @default nothing */
  readonly onCaughtUp?: () => void;
  /** What there is cannot be read, or the mailbox not be claimed again; it is tried again soon. @default nothing */
  readonly onFailed?: (error: HawserError) => void;
}

/** A mailbox that this process alone reads, held for as long as it is open: over failures of the disk as well, after which nothing is missed. */
export class LogMailbox {
  readonly #options: LogMailboxOptions;
  #lease: MailboxLease | undefined;
  /** The last one, held or not: what is recorded needs no more. */
  #recorder: MailboxLease | undefined;
  #isOpen = false;
  /** Of the last entry that was told. */
  #told = 0;
  /** Whether entries are being read that nobody has been told of. */
  #isCatchingUp = false;
  /** Something came meanwhile. */
  #isBehind = false;
  #reopening: Timer | undefined;

  constructor(options: LogMailboxOptions) {
    this.#options = options;
  }

  /** Resolves once the mailbox is claimed; what there is is read from then on, as it may be much. */
  async open(): Promise<void> {
    this.#isOpen = true;
    await this.#claim();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#reopening?.cancel();
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.close();
  }

  /** As `MailboxLease.read`. @throws HawserError `store_unavailable` while the disk cannot be read */
  read(after: number, limit: number, maxBytes?: number): Promise<readonly MailboxEntry[]> {
    return this.#held().read(after, limit, maxBytes);
  }

  /** The entry is not needed any more. What is not written of that before a crash, or while the disk fails, comes back with the next `open`. */
  acknowledge(version: number): void {
    this.#lease?.acknowledge(version);
  }

  /** As `MailboxLease.deadLetter`. @throws HawserError `store_unavailable` while the disk cannot be written */
  deadLetter(...args: Parameters<MailboxLease["deadLetter"]>): Promise<boolean> {
    return this.#held().deadLetter(...args);
  }

  /** What was recorded by the time the mailbox was claimed: the last version by resource. */
  get applied(): ReadonlyMap<string, number> {
    return this.#recorder?.inbox.applied ?? new Map();
  }

  /** As `MailboxLease.record`. @throws HawserError `store_unavailable` while the disk cannot be written, and before it was opened */
  async record(batch: readonly Recorded[]): Promise<void> {
    await (this.#recorder ?? this.#held()).record(batch);
  }

  #held(): MailboxLease {
    if (this.#lease !== undefined) return this.#lease;
    throw new HawserError(
      "store_unavailable",
      "the event log is not open; its disk failed, or it is stopped",
    );
  }

  async #claim(): Promise<void> {
    const { store, peer } = this.#options;
    this.#isCatchingUp = true;
    const lease = await store.open(peer, HOLDER, (found) => ({ peerStore: found.store }), {
      event: (entry) => this.#arrived(entry),
      more: () => this.#more(),
      // Its entries are not sent to anybody; those that were told are not found any more when they are read.
      purged: () => 0,
      lost: (why) => this.#lost(why),
    });
    if (!this.#isOpen) return lease.close();
    this.#lease = lease;
    this.#recorder = lease;
    this.#catchUp(lease).then(
      () => this.#options.onCaughtUp?.(),
      (thrown: unknown) => this.#failed(lease, thrown),
    );
  }

  /** Entries came that nobody will be told of otherwise. */
  #more(): void {
    this.#isBehind = true;
    const lease = this.#lease;
    if (this.#isCatchingUp || lease === undefined) return;
    this.#isCatchingUp = true;
    this.#catchUp(lease).catch((thrown: unknown) => this.#failed(lease, thrown));
  }

  #failed(lease: MailboxLease, thrown: unknown): void {
    // It was lost, or given up, meanwhile: whoever did that goes on.
    if (this.#lease !== lease) return;
    const { logger } = this.#options.runtime;
    logger.error({ err: thrown }, "what the event log holds cannot be read; it is tried again");
    this.#options.onFailed?.(HawserError.from(thrown));
    this.#lease = undefined;
    void lease.close();
    this.#reopen();
  }

  #arrived(entry: MailboxEntry): void {
    if (this.#isCatchingUp) this.#isBehind = true;
    else this.#tell(entry);
  }

  #tell(entry: MailboxEntry): void {
    if (entry.version <= this.#told) return;
    this.#told = entry.version;
    this.#options.onEntry(entry);
  }

  async #catchUp(lease: MailboxLease): Promise<void> {
    for (let isAll = false; !isAll; ) {
      this.#isBehind = false;
      const entries = await lease.read(this.#told, AT_ONCE, AT_ONCE_BYTES);
      for (const entry of entries) this.#tell(entry);
      isAll = entries.length === 0 && !this.#isBehind;
    }
    this.#isCatchingUp = false;
  }

  #lost(why: LeaseLoss): void {
    const { logger } = this.#options.runtime;
    this.#lease = undefined;
    if (why === "superseded" || why === "taken")
      logger.error({}, "the event log was claimed by somebody else");
    else this.#reopen();
  }

  #reopen(): void {
    if (!this.#isOpen) return;
    const { timers, logger } = this.#options.runtime;
    this.#reopening = timers.after(REOPEN_DELAY_MS, () => {
      this.#claim().catch((err: unknown) => {
        logger.warn({ err }, "the event log cannot be opened again yet");
        this.#options.onFailed?.(HawserError.from(err));
        this.#reopen();
      });
    });
  }
}
