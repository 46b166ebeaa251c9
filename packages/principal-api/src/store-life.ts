import { HawserError } from "@hawser/protocol";
import type { Store, StoreUse } from "@hawser/store";

export interface StoreLifeParts {
  /** Begins an error: "this event log has", "these sinks have". */
  readonly name: string;
  readonly store: Store;
  /** The store is open. Where it throws, `end` is called as well. */
  readonly begin: () => Promise<void>;
  /** The store is still open. Called for a start that failed half way, too. */
  readonly end: () => Promise<void>;
}

/** The life of what lies in a store: it uses the store from the first step of its start to the last of its stop. */
export class StoreLife {
  readonly #parts: StoreLifeParts;
  #use: StoreUse | undefined;
  #started: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: StoreLifeParts) {
    this.#parts = parts;
  }

  /** @throws HawserError `invalid_state` where it has been started and not stopped */
  async start(): Promise<void> {
    if (this.#started !== undefined)
      throw new HawserError(
        "invalid_state",
        `${this.#parts.name} been started already; stop before you start again`,
      );
    this.#started = this.#start();
    return this.#started;
  }

  /** Waits for a start that is under way. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  async #start(): Promise<void> {
    try {
      this.#use = await this.#parts.store.use();
      await this.#parts.begin();
    } catch (thrown) {
      await this.#end();
      throw thrown;
    }
  }

  async #stop(): Promise<void> {
    if (this.#started === undefined) return;
    await this.#started.catch(() => {});
    await this.#end();
  }

  async #end(): Promise<void> {
    const use = this.#use;
    this.#use = undefined;
    try {
      await this.#parts.end();
    } finally {
      await use?.release();
      this.#started = undefined;
    }
  }
}
