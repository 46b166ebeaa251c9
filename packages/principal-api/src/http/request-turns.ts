import type { Timers } from "@hawser/runtime";

/** How many requests are begun in one turn of the event loop. */
export interface RequestTurnLimits {
  /** Of those who may ask. */
  readonly known: number;
  /** Of those of whom that is not known, all clients together. */
  readonly unknown: number;
}

/** A few milliseconds of work at most; what strangers are told takes no more of a turn than that of one who may ask. */
const DEFAULT_REQUEST_TURNS: RequestTurnLimits = { known: 8, unknown: 1 };

/**
 * When a request is begun: agents, and whoever asks for health, have their turns of the event loop between requests however many come at once. Those who may ask wait for nobody else;
 * the others wait in a line for each client, and the clients take turns.
 */
export class RequestTurns {
  readonly #timers: Timers;
  readonly #limits: RequestTurnLimits;
  readonly #known: (() => void)[] = [];
  /** By client, in the order of their turns. */
  readonly #unknown = new Map<string, (() => void)[]>();
  #begun = { known: 0, unknown: 0 };
  #isScheduled = false;

  constructor(timers: Timers, limits: RequestTurnLimits = DEFAULT_REQUEST_TURNS) {
    this.#timers = timers;
    this.#limits = limits;
  }

  /** Begins now where there is room in this turn, and otherwise in a later one. */
  add(begin: () => void, client: string, isKnown: boolean): void {
    if (isKnown) this.#known.push(begin);
    else {
      const line = this.#unknown.get(client);
      if (line === undefined) this.#unknown.set(client, [begin]);
      else line.push(begin);
    }
    this.#pump();
  }

  #pump(): void {
    while (this.#begun.known < this.#limits.known) {
      const begin = this.#known.shift();
      if (begin === undefined) break;
      this.#begun.known += 1;
      begin();
    }
    while (this.#begun.unknown < this.#limits.unknown) {
      const begin = this.#nextUnknown();
      if (begin === undefined) break;
      this.#begun.unknown += 1;
      begin();
    }
    this.#schedule();
  }

  #nextUnknown(): (() => void) | undefined {
    for (const [client, line] of this.#unknown) {
      const begin = line.shift();
      this.#unknown.delete(client);
      if (line.length > 0) this.#unknown.set(client, line);
      return begin;
    }
    return undefined;
  }

  // Once more behind the last that was begun, so that the next turn begins with none.
  #schedule(): void {
    if (this.#isScheduled || this.#begun.known + this.#begun.unknown === 0) return;
    this.#isScheduled = true;
    this.#timers.soon(() => {
      this.#isScheduled = false;
      this.#begun = { known: 0, unknown: 0 };
      this.#pump();
    });
  }
}
