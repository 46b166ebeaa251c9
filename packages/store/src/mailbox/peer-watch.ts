import type { Logger, Timer, Timers } from "@hawser/runtime";
import type { StoreWatcher } from "../contract/views.js";

/** Notifies watchers of changed rows, once a turn, outside of the commit loop. */
export class PeerWatch {
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #watchers = new Set<{ readonly on: StoreWatcher }>();
  /** Nothing is gathered while nobody watches, and no more than one turn changes. */
  readonly #changed = new Set<string>();
  #telling: Timer | undefined;

  constructor(timers: Timers, logger: Logger) {
    this.#timers = timers;
    this.#logger = logger;
  }

  /** @returns what ends it */
  watch(on: StoreWatcher): () => void {
    const watcher = { on };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  changed(peer: string): void {
    if (this.#watchers.size === 0) return;
    this.#changed.add(peer);
    this.#telling ??= this.#timers.soon(() => this.#tell());
  }

  /** The store stops: gathered changes are dropped. */
  stop(): void {
    this.#telling?.cancel();
    this.#telling = undefined;
    this.#changed.clear();
  }

  #tell(): void {
    this.#telling = undefined;
    const names = [...this.#changed];
    this.#changed.clear();
    for (const { on } of this.#watchers) {
      for (const name of names) {
        try {
          on.peer(name);
        } catch (err) {
          this.#logger.error({ agent: name, err }, "who watches the store threw");
        }
      }
    }
  }
}
