import { HawserError } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";
import type { Disk, OpenDisk } from "./disk.js";

/** How long after a failed attempt to open the disk the next one begins. A full disk is usually full for a while, and an attempt is cheap. */
export const DEFAULT_RECOVERY_DELAY_MS = 1_000;

/** `landed`: the failed commit is on disk after all. `lost`: it is not. `unknown`: the disk cannot be read now. */
export type CommitFate = "landed" | "lost" | "unknown";

type DeviceState =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly disk: OpenDisk }
  /** Being opened again after a failed write. */
  | { readonly kind: "recovering"; readonly attempt: Promise<OpenDisk> }
  /** There is no retry where waiting would not help. */
  | { readonly kind: "failed"; readonly error: HawserError; readonly retry: Timer | undefined };

export interface DeviceEvents {
  /** A fresh handle: counters must be read anew before it is used. Answers with the number of the last commit on it. */
  opened(disk: OpenDisk): Promise<number>;
  /** The disk is back after a time in which the fate of a commit was unknown. */
  recovered(): void;
}

/**
 * The disk of a store through its failures.
 *
 * After a failed write nothing may be written to the same handle: a log-structured engine could put good records behind a torn one, and lose them at
 * the next start. So the disk is closed and opened again, which makes the engine decide what it has, and the number of the last commit tells
 * whether the failed one is there.
 */
export class StoreDevice {
  readonly #disk: Disk;
  readonly #runtime: Runtime;
  readonly #events: DeviceEvents;
  readonly #recoveryDelayMs: number;
  #state: DeviceState = { kind: "closed" };
  /** As found when the disk was last opened. */
  #lastCommit = 0;

  constructor(disk: Disk, runtime: Runtime, recoveryDelayMs: number, events: DeviceEvents) {
    this.#disk = disk;
    this.#runtime = runtime;
    this.#recoveryDelayMs = recoveryDelayMs;
    this.#events = events;
  }

  async open(): Promise<void> {
    this.#state = { kind: "open", disk: await this.#open() };
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "closed" };
    if (state.kind === "failed") state.retry?.cancel();
    if (state.kind === "open") await state.disk.close();
    if (state.kind === "recovering") await state.attempt.then((disk) => disk.close()).catch(() => {});
  }

  /**
   * The disk, as soon as it can be used.
   *
   * @throws HawserError why it cannot
   */
  async current(): Promise<OpenDisk> {
    const state = this.#state;
    switch (state.kind) {
      case "open":
        return state.disk;
      case "recovering":
        return state.attempt;
      case "failed":
        throw state.error;
      case "closed":
        throw notStarted();
    }
  }

  /** What a call to the disk threw, by name. */
  explain(thrown: unknown): HawserError {
    if (thrown instanceof HawserError) return thrown;
    const { code, message } = this.#disk.explain(thrown);
    return new HawserError(code, message, { cause: thrown });
  }

  /** After a failed write of the commit `number`: opens the disk again and looks whether it is there. */
  async recover(failure: HawserError, number: number): Promise<CommitFate> {
    if (this.#state.kind !== "open") return "unknown";
    const failed = this.#state.disk;
    const attempt = failed
      .close()
      .catch(() => {})
      .then(() => this.#open());
    // Nobody may be waiting for it.
    attempt.catch(() => {});
    this.#state = { kind: "recovering", attempt };
    try {
      const disk = await attempt;
      if (this.#state.kind === "recovering") this.#state = { kind: "open", disk };
      return this.#lastCommit === number ? "landed" : "lost";
    } catch (thrown) {
      this.#runtime.logger.error({ err: failure }, "a commit failed and the disk could not be opened again");
      if (this.#state.kind === "recovering") this.#retryLater(this.explain(thrown));
      return "unknown";
    }
  }

  #retryLater(error: HawserError): void {
    const retry =
      error.code === "store_corrupt"
        ? undefined
        : this.#runtime.timers.after(this.#recoveryDelayMs, () => void this.#retry());
    this.#state = { kind: "failed", error, retry };
  }

  async #retry(): Promise<void> {
    const attempt = this.#open();
    attempt.catch(() => {});
    this.#state = { kind: "recovering", attempt };
    try {
      const disk = await attempt;
      if (this.#state.kind !== "recovering") return;
      this.#state = { kind: "open", disk };
      this.#runtime.logger.info({}, "the disk can be used again");
      this.#events.recovered();
    } catch (thrown) {
      if (this.#state.kind === "recovering") this.#retryLater(this.explain(thrown));
    }
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
  return new HawserError("store_unavailable", "the store is not started, or has been stopped");
}
