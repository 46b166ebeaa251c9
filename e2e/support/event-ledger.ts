import { systemClock } from "@hawser/runtime";
import { keyText, type EventKey } from "./journal.js";

export type Direction = "down" | "up";

/** What became of one event. Monotonic milliseconds. */
interface Entry {
  acceptedAt?: number;
  appliedAt?: number;
  runs: number;
}

/** Every event that was accepted or applied, to the agent and to the principal. */
export class EventLedger {
  readonly #entries = { down: new Map<string, Entry>(), up: new Map<string, Entry>() };

  /** @param at when its publisher handed it over */
  accepted(direction: Direction, key: EventKey, at: number): void {
    this.#entry(direction, key).acceptedAt = at;
  }

  applied(direction: Direction, key: EventKey): void {
    const entry = this.#entry(direction, key);
    entry.appliedAt ??= systemClock.now();
    entry.runs += 1;
  }

  get size(): number {
    return this.#all().length;
  }

  /** Accepted and not applied. */
  get missing(): number {
    return this.#all().filter(({ runs }) => runs === 0).length;
  }

  get appliedTwice(): number {
    return this.#all().filter(({ runs }) => runs > 1).length;
  }

  /**
   * How long after `since` the first event was applied of those accepted after it, in the direction that took longer; undefined while one of the two has
   * none.
   */
  flowedAfter(since: number): number | undefined {
    const firsts = [this.#entries.down, this.#entries.up].map((entries) => {
      const applied = [...entries.values()].flatMap(({ acceptedAt = 0, appliedAt }) =>
        acceptedAt >= since && appliedAt !== undefined ? [appliedAt - since] : [],
      );
      return Math.min(...applied);
    });
    const last = Math.max(...firsts);
    return last === Number.POSITIVE_INFINITY ? undefined : last;
  }

  #all(): readonly Entry[] {
    return [...this.#entries.down.values(), ...this.#entries.up.values()];
  }

  #entry(direction: Direction, key: EventKey): Entry {
    const text = keyText(key);
    const entry = this.#entries[direction].get(text) ?? { runs: 0 };
    this.#entries[direction].set(text, entry);
    return entry;
  }
}
