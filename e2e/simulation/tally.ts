/** What is counted in runs with several principals, and has to strike in enough of them. */
export const PROMISED = [
  "events accepted by one principal and sent by another",
  "handovers between principals",
  "returns to a principal whose handler still runs",
  "overlapping handlers",
  "results after a takeover",
  "records and begins that were refused after a takeover",
  "repeats after the answer to a record got lost",
  "answers of the store that got lost",
  "lost wake-ups that were found",
  "mailboxes lost: superseded",
  "mailboxes lost: taken",
  "mailboxes lost: resync",
  "mailboxes lost: unreachable",
  "resets between a principal and the store",
  "partitions of a principal and the store",
  "partitions beyond the grace",
  "slow ways to the store",
  "failures of the disk of the store",
  "outages of the store for all principals",
  "restarts of the store",
  "kills of a principal",
  "stops of a principal",
  "rolling restarts of all principals",
] as const;

export type Struck = (typeof PROMISED)[number];

/** Counts how often each kind of fault struck, so that runs that exercised nothing are not taken for runs that held. */
export class Tally {
  readonly #counts = new Map<Struck, number>();

  add(what: Struck): void {
    this.#counts.set(what, this.of(what) + 1);
  }

  of(what: Struck): number {
    return this.#counts.get(what) ?? 0;
  }

  /** One line for each kind. */
  toString(): string {
    return PROMISED.map((what) => `${String(this.of(what)).padStart(9)}  ${what}`).join("\n");
  }
}
