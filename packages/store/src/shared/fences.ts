import type { Life } from "./life.js";

interface Tenure {
  readonly life: Life;
  /** The epoch since which no other client has claimed the mailbox. */
  readonly since: number;
}

/**
 * Which client has had a mailbox to itself since when. Claims of a mailbox come one after another, and what a holder writes waits for those that came before it: so a write is before a
 * claim or after it, and never between its decision and its commit.
 */
export class Fences {
  readonly #maxPeers: number;
  readonly #tenures = new Map<string, Tenure>();
  readonly #claims = new Map<string, Promise<void>>();

  /** @param maxPeers of so many it is known; of more, those claimed longest ago count as claimed by another */
  constructor(maxPeers: number) {
    this.#maxPeers = maxPeers;
  }

  /** Runs a claim behind those of the same mailbox that are under way. */
  claim<T>(peer: string, run: () => Promise<T>): Promise<T> {
    const before = this.#claims.get(peer);
    const result = before === undefined ? run() : before.then(run);
    const over = result.then(
      () => {},
      () => {},
    );
    this.#claims.set(peer, over);
    void over.then(() => {
      if (this.#claims.get(peer) === over) this.#claims.delete(peer);
    });
    return result;
  }

  /** Runs this at once, or behind the claims that are under way. */
  write<T>(peer: string, run: () => Promise<T>): Promise<T> {
    const claims = this.#claims.get(peer);
    return claims === undefined ? run() : claims.then(run);
  }

  of(peer: string): Tenure | undefined {
    return this.#tenures.get(peer);
  }

  /** @param tenure undefined: nobody's */
  set(peer: string, tenure: Tenure | undefined): void {
    this.#tenures.delete(peer);
    if (tenure === undefined) return;
    this.#tenures.set(peer, tenure);
    const [oldest] = this.#tenures.keys();
    if (this.#tenures.size > this.#maxPeers && oldest !== undefined) this.#tenures.delete(oldest);
  }

  /** Whether no other client has claimed the mailbox since this epoch of this client. */
  covers(peer: string, life: Life, epoch: number): boolean {
    const tenure = this.#tenures.get(peer);
    return tenure?.life === life && epoch >= tenure.since;
  }
}
