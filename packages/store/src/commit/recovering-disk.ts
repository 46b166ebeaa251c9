import { HawserError } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";
import type { Disk, OpenDisk } from "../disk/disk.js";

/** Between attempts to open the disk. A full disk mostly stays full for a while. */
export const DEFAULT_RECOVERY_DELAY_MS = 1_000;

/** `landed`: the failed commit is on disk. `lost`: it is not. `unknown`: the disk is unreadable. */
export type CommitFate = "landed" | "lost" | "unknown";

type DiskState =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly disk: OpenDisk }
  /** Disk full. Reads continue through the old handle; writes are refused. */
  | { readonly kind: "full"; readonly disk: OpenDisk; readonly error: HawserError; readonly retry: Timer }
  /** Being opened again after a failed write. */
  | { readonly kind: "recovering"; readonly attempt: Promise<OpenDisk> }
  /** There is no retry where waiting would not help. */
  | { readonly kind: "failed"; readonly error: HawserError; readonly retry: Timer | undefined };

export interface DiskEvents {
  /** A new handle. Reads the counters, and answers with the number of the last commit on it. */
  opened(disk: OpenDisk): Promise<number>;
  /** The disk is back. `missed`: it has a commit that nobody was notified of, or lacks one. */
  recovered(missed: boolean): void;
  /** Whether it can be read from now on. */
  readable(isReadable: boolean): void;
}

/** A commit that failed. */
export interface FailedCommit {
  readonly number: number;
  /** Number of the last commit before it that was answered for. */
  readonly after: number;
}

/**
 * The disk of a store through its failures.
 *
 * After a failed write nothing more is written to the same handle: a log-structured engine could
 * put good records behind a torn one, and lose them at the next start. So the disk is closed and
 * opened again. The number of the last commit shows whether the failed one is there. A full disk
 * may be too full to be opened: it stays open for reading until there is room.
 */
export class RecoveringDisk {
  readonly #disk: Disk;
  readonly #runtime: Runtime;
  readonly #events: DiskEvents;
  readonly #recoveryDelayMs: number;
  #state: DiskState = { kind: "closed" };
  /** As found when the disk was last opened. */
  #lastCommit = 0;
  /** Whose fate is unknown. Nothing is written before it is known. */
  #inDoubt: FailedCommit | undefined;

  constructor(disk: Disk, runtime: Runtime, recoveryDelayMs: number, events: DiskEvents) {
    this.#disk = disk;
    this.#runtime = runtime;
    this.#recoveryDelayMs = recoveryDelayMs;
    this.#events = events;
  }

  async open(): Promise<void> {
    this.#enter({ kind: "open", disk: await this.#open() });
  }

  #enter(state: DiskState): void {
    this.#state = state;
    this.#events.readable(state.kind === "open" || state.kind === "full");
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#enter({ kind: "closed" });
    if (state.kind === "failed" || state.kind === "full") state.retry?.cancel();
    if (state.kind === "open" || state.kind === "full") await state.disk.close();
    if (state.kind === "recovering") await state.attempt.then((disk) => disk.close()).catch(() => {});
  }

  /**
   * The disk to read from, as soon as it can be.
   *
   * @throws HawserError why it cannot
   */
  async current(): Promise<OpenDisk> {
    const state = this.#state;
    if (state.kind === "closed") throw notStarted();
    if (state.kind === "failed") throw state.error;
    return state.kind === "recovering" ? state.attempt : state.disk;
  }

  /**
   * The disk to write to, as soon as it can be.
   *
   * @throws HawserError why it cannot
   */
  async writable(): Promise<OpenDisk> {
    if (this.#state.kind === "full") throw this.#state.error;
    return this.current();
  }

  /** What a call to the disk threw, by name. */
  explain(thrown: unknown): HawserError {
    if (thrown instanceof HawserError) return thrown;
    const { code, message } = this.#disk.explain(thrown);
    return new HawserError(code, message, { cause: thrown });
  }

  /** Opens the disk again, if it has room, and looks whether the commit is there. */
  async recover(failure: HawserError, commit: FailedCommit): Promise<CommitFate> {
    this.#inDoubt = commit;
    const hasRoom = failure.code !== "store_full" || (await this.#hasRoom());
    if (this.#state.kind !== "open") return "unknown";
    const { disk: failed } = this.#state;
    if (!hasRoom) {
      this.#waitForRoom(failed, failure);
      return "unknown";
    }
    const attempt = this.#reopen(failed);
    try {
      const disk = await attempt;
      this.#reopened(disk);
      this.#inDoubt = undefined;
      return this.#lastCommit === commit.number ? "landed" : "lost";
    } catch (thrown) {
      this.#runtime.logger.error({ err: failure }, "a commit failed and the disk could not be opened again");
      this.#retryLater(this.explain(thrown));
      return "unknown";
    }
  }

  #retryLater(error: HawserError): void {
    if (this.#state.kind !== "recovering") return;
    const retry =
      error.code === "store_corrupt"
        ? undefined
        : this.#runtime.timers.after(this.#recoveryDelayMs, () => void this.#retry());
    this.#enter({ kind: "failed", error, retry });
  }

  #waitForRoom(disk: OpenDisk, error: HawserError): void {
    const retry = this.#runtime.timers.after(this.#recoveryDelayMs, () => void this.#lookForRoom());
    this.#enter({ kind: "full", disk, error, retry });
  }

  async #lookForRoom(): Promise<void> {
    const hasRoom = await this.#hasRoom();
    if (this.#state.kind !== "full") return;
    const { disk, error } = this.#state;
    if (hasRoom) await this.#retry(disk);
    else this.#waitForRoom(disk, error);
  }

  /** Where nobody can tell, the attempt tells. */
  async #hasRoom(): Promise<boolean> {
    return (await this.#disk.hasRoom?.().catch(() => true)) ?? true;
  }

  #reopen(former: OpenDisk | undefined): Promise<OpenDisk> {
    const closed = former?.close().catch(() => {}) ?? Promise.resolve();
    const attempt = closed.then(() => this.#open());
    // Nobody may be waiting for it.
    attempt.catch(() => {});
    this.#enter({ kind: "recovering", attempt });
    return attempt;
  }

  async #retry(former?: OpenDisk): Promise<void> {
    try {
      const disk = await this.#reopen(former);
      if (!this.#reopened(disk)) return;
      this.#runtime.logger.info({}, "the disk can be used again");
      // Where the failed commit is there, or an earlier one is not, holders know something else
      // than the disk.
      const missed = this.#lastCommit !== this.#inDoubt?.after;
      this.#inDoubt = undefined;
      this.#events.recovered(missed);
    } catch (thrown) {
      this.#retryLater(this.explain(thrown));
    }
  }

  /** False when the store was stopped meanwhile, which closes the disk. */
  #reopened(disk: OpenDisk): boolean {
    if (this.#state.kind !== "recovering") return false;
    this.#enter({ kind: "open", disk });
    return true;
  }

  async #open(): Promise<OpenDisk> {
    const disk = await this.#disk.open();
    try {
      this.#lastCommit = await this.#events.opened(disk);
      return disk;
    } catch (thrown) {
      await disk.close().catch(() => {});
      throw this.explain(thrown);
    }
  }
}

export function notStarted(): HawserError {
  return new HawserError(
    "store_unavailable",
    "the store is not open: nobody has started it or what uses it (an agent, a principal), or it was stopped",
  );
}
