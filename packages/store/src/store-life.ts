import { HawserError } from "@hawser/protocol";
import type { StoreUse } from "./contract/store.js";

type State =
  | { readonly kind: "closed" }
  | { readonly kind: "opening"; readonly ready: Promise<void> }
  | { readonly kind: "open" }
  | { readonly kind: "closing"; readonly done: Promise<void> };

/** What there is to open and to close. */
export interface LifeParts {
  /** @throws HawserError why it cannot be opened; then it is as closed as before */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** When a store is open: while somebody uses it, and from `start` to `stop`. */
export class StoreLife {
  readonly #parts: LifeParts;
  #state: State = { kind: "closed" };
  /** By `start`, whose owner ends it by `stop`. */
  #started = false;
  readonly #uses = new Set<StoreUse>();

  constructor(parts: LifeParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#started = true;
    await this.#openOr(() => (this.#started = false));
  }

  async stop(): Promise<void> {
    this.#started = false;
    this.#uses.clear();
    await this.#close();
  }

  async use(): Promise<StoreUse> {
    const use: StoreUse = { release: () => this.#release(use) };
    this.#uses.add(use);
    await this.#openOr(() => this.#uses.delete(use));
    return use;
  }

  async #openOr(undo: () => void): Promise<void> {
    try {
      await this.#open();
    } catch (thrown) {
      undo();
      throw thrown;
    }
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
        const ready = this.#opening();
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
        // A use that came meanwhile came after this.
        return this.#isWanted ? undefined : this.#close();
      case "open": {
        const done = this.#closing();
        this.#state = { kind: "closing", done };
        return done;
      }
    }
  }

  async #opening(): Promise<void> {
    try {
      await this.#parts.open();
      this.#state = { kind: "open" };
    } catch (thrown) {
      this.#state = { kind: "closed" };
      throw thrown;
    }
  }

  async #closing(): Promise<void> {
    try {
      await this.#parts.close();
    } finally {
      this.#state = { kind: "closed" };
    }
  }
}
