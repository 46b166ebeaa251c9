import type { Findings } from "../findings.js";
import type { Tally } from "../tally.js";

/** One welcome as it left a principal. */
interface Welcome {
  readonly epoch: number;
  readonly principal: string;
  readonly atMs: number;
}

/**
 * The sessions that principals have opened with agents. Epochs of one principal rise. Where several share a store, welcomes may cross on their way, so one with a lower epoch may leave later; but
 * no two have the same epoch.
 */
export class Welcomes {
  readonly #findings: Findings;
  readonly #tally: Tally;
  readonly #now: () => number;
  /** By agent and store. */
  readonly #sent = new Map<string, Welcome[]>();

  constructor(findings: Findings, tally: Tally, now: () => number) {
    this.#findings = findings;
    this.#tally = tally;
    this.#now = now;
  }

  sent(agent: string, store: string, epoch: number, principal: string): void {
    const key = `${agent} ${store}`;
    const before = this.#sent.get(key) ?? [];
    const highest = this.newest(agent, store, principal);
    if (epoch <= highest) this.#findings.violation("epochs rise", `-> ${agent}: ${epoch} after ${highest}`);
    const twin = before.find((welcome) => welcome.epoch === epoch);
    if (twin !== undefined)
      this.#findings.violation(
        "each session has an epoch of its own",
        `-> ${agent}: ${epoch} of ${twin.principal} and of ${principal}`,
      );
    const last = before.at(-1);
    if (last !== undefined && last.principal !== principal) this.#tally.add("handovers between principals");
    this.#sent.set(key, [...before, { epoch, principal, atMs: this.#now() }]);
  }

  /** The highest epoch that this principal has given a session with the agent; 0 before the first. */
  newest(agent: string, store: string, principal: string): number {
    const own = (this.#sent.get(`${agent} ${store}`) ?? []).filter((each) => each.principal === principal);
    return Math.max(0, ...own.map(({ epoch }) => epoch));
  }

  /** When another principal was first seen with a later session of this agent, in virtual milliseconds; undefined while none was. */
  takenOverAt(agent: string, store: string, principal: string, epoch: number): number | undefined {
    return this.#sent
      .get(`${agent} ${store}`)
      ?.find((each) => each.principal !== principal && each.epoch > epoch)?.atMs;
  }
}
