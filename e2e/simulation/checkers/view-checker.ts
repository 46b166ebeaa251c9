import type { Principal, ResourceView } from "@hawser/principal";
import type { Findings } from "../findings.js";
import type { Ledger } from "../ledger.js";
import { LATE } from "../handlers.js";

/** What people see of a resource never goes back: neither its version, nor what the agent has observed, nor the order of its statuses. */
export class ViewChecker {
  readonly #findings: Findings;
  readonly #ledger: Ledger;
  readonly #seen = new Map<string, { version: number; observed: number; seq: number }>();

  constructor(ledger: Ledger, findings: Findings) {
    this.#ledger = ledger;
    this.#findings = findings;
  }

  /** `store`: name of the principal's store, in which versions are comparable. */
  async check(principal: Principal, store: string, agent: string): Promise<readonly ResourceView[]> {
    const views = await principal.resources.list(agent, { limit: 1_000 });
    for (const view of views) this.#check(store, view);
    return views;
  }

  #check(store: string, view: ResourceView): void {
    const { agent, name, uid } = view;
    const key = `${store} ${agent} ${uid}`;
    const version = Number(view.version);
    const observed = Number(view.observedVersion ?? 0);
    const seq = seqOf(view.status);
    const name_ = `${agent} ${name}_${uid}`;
    if (view.status === LATE) this.#findings.violation("late reports are dropped", name_);
    const before = this.#seen.get(key) ?? { version: 0, observed: 0, seq: 0 };
    if (version < before.version) this.#back(`${name_} from version ${before.version} to ${version}`);
    // What was reported and not recorded before a crash is not known afterwards.
    const fact = this.#ledger.life("down", agent, store).facts.get(before.observed);
    const wasKnown = fact?.recorded === true && !fact.wasForgotten;
    if (observed > 0 && observed < before.observed && wasKnown)
      this.#back(`${name_} from observed ${before.observed} to ${observed}`);
    if (seq > 0 && seq < before.seq) this.#back(`${name_} from status ${before.seq} to ${seq}`);
    if (observed > version)
      this.#findings.violation("nobody observes the future", `${name_} ${observed} of ${version}`);
    this.#seen.set(key, {
      version: Math.max(version, before.version),
      observed: Math.max(observed, before.observed),
      seq: Math.max(seq, before.seq),
    });
  }

  #back(what: string): void {
    this.#findings.violation("views never go back", what);
  }
}

export function seqOf(status: unknown): number {
  if (typeof status !== "object" || status === null || !("seq" in status)) return 0;
  return typeof status.seq === "number" ? status.seq : 0;
}
