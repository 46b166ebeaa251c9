import { HawserError } from "@hawser/protocol";
import type { Logger, Timer, Timers } from "@hawser/runtime";
import type { Committer } from "../commit/committer.js";
import type { PeerTable } from "../commit/peer-table.js";
import { RemoveItem, type RemoveContext, type RemoveStep, type RemoveTarget } from "./remove.js";
import type { Removal, RemoveOptions } from "../contract/store.js";

export interface RemovalsOptions extends RemoveContext {
  readonly committer: Committer;
  readonly peers: PeerTable;
  readonly timers: Timers;
  readonly logger: Logger;
  /** How long after a failed step the next one is tried. */
  readonly retryDelayMs: number;
}

/** Removals of peers, each over as many commits as it takes, and those that something interrupted. */
export class Removals {
  readonly #options: RemovalsOptions;
  /** Removals that nobody waits for any more, if they have begun at all: what a failed commit left, the next step finds out. */
  readonly #interrupted = new Set<string>();
  #state: "stopped" | "idle" | "finishing" = "stopped";
  #retry: Timer | undefined;

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** @throws HawserError why a step could not be written; what has begun is finished as soon as it can be */
  async remove(peer: string, { ifNothingPending = false, tombstone }: RemoveOptions): Promise<Removal> {
    try {
      const at = tombstone?.at;
      const first = await this.#step({ peer, ifNothingPending, tombstone: at, continues: false });
      if (first !== "more") return first;
      await this.#finish(peer);
      return "removed";
    } catch (thrown) {
      if (this.#state !== "stopped") this.#interrupted.add(peer);
      this.#resumeLater(thrown);
      throw thrown;
    }
  }

  /** The store has started: what an earlier life of it began is finished, one peer after the other, beside other work. */
  resume(): void {
    this.#state = "idle";
    for (const peer of this.#options.peers.beingRemoved()) this.#interrupted.add(peer);
    void this.#run();
  }

  /** The store stops. The marks on the disk say where the next start goes on. */
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

  // Where waiting does not help, the next start goes on.
  #resumeLater(thrown: unknown): void {
    if (thrown instanceof HawserError && thrown.code === "store_corrupt") return;
    if (this.#state === "stopped" || this.#retry !== undefined) return;
    this.#retry = this.#options.timers.after(this.#options.retryDelayMs, () => {
      this.#retry = undefined;
      void this.#run();
    });
  }

  /** False when there is no removal to go on with. */
  async #finish(peer: string): Promise<boolean> {
    let step: RemoveStep;
    do step = await this.#step({ peer, ifNothingPending: false, tombstone: undefined, continues: true });
    while (step === "more");
    return step === "removed";
  }

  #step(target: RemoveTarget): Promise<RemoveStep> {
    return new Promise((resolve, reject) =>
      this.#options.committer.enqueue(new RemoveItem(target, this.#options, resolve, reject)),
    );
  }
}
