import type { Findings } from "../findings.js";
import type { Fact } from "../ledger.js";
import type { Tally } from "../tally.js";
import type { FenceChecker } from "./fence-checker.js";
import type { Welcomes } from "./welcomes.js";

/** Whose handler runs, and in which session its event came. */
export interface Term {
  readonly principal: string;
  /** Of the process of the principal. */
  readonly incarnation: number;
  /** Name of the store in which epochs count. */
  readonly store: string;
  readonly agent: string;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** A record that a principal asked for and was not answered: it may have been written. */
export interface Unanswered extends Pick<Term, "principal" | "incarnation" | "agent" | "epoch"> {
  readonly resourceid: string;
  readonly version: number;
}

/** A handler that ran to its end. */
interface Ended {
  readonly principal: string;
  readonly wasTakenOver: boolean;
}

/**
 * Handlers of principals that share a store. A principal that another one has taken over may not know it yet, so its handlers run on, and may even begin; but it hears within the bound, aborts their
 * signals, and records nothing that they came to.
 */
export class TermChecker {
  readonly #findings: Findings;
  readonly #tally: Tally;
  readonly #welcomes: Welcomes;
  readonly #fences: FenceChecker;
  readonly #now: () => number;
  readonly #hearsWithinMs: number;
  readonly #ended = new Map<Fact, Ended[]>();
  readonly #unanswered: Unanswered[] = [];

  constructor(parts: {
    readonly findings: Findings;
    readonly tally: Tally;
    readonly welcomes: Welcomes;
    readonly fences: FenceChecker;
    readonly now: () => number;
    readonly hearsWithinMs: number;
  }) {
    this.#findings = parts.findings;
    this.#tally = parts.tally;
    this.#welcomes = parts.welcomes;
    this.#fences = parts.fences;
    this.#now = parts.now;
    this.#hearsWithinMs = parts.hearsWithinMs;
  }

  unanswered(record: Unanswered): void {
    this.#unanswered.push(record);
  }

  /** Whether this principal may apply an event that is recorded: it asked for the record itself, does not know what became of it, and has had the inbox to itself since. */
  mayRepeat(term: Term | undefined, { resourceid, version }: Fact): boolean {
    if (term === undefined) return false;
    const { principal, incarnation, agent, store } = term;
    const isOwn = this.#unanswered.some(
      (each) =>
        each.principal === principal &&
        each.incarnation === incarnation &&
        each.agent === agent &&
        each.resourceid === resourceid &&
        each.version === version &&
        this.#welcomes.takenOverAt(agent, store, principal, each.epoch) === undefined,
    );
    if (isOwn) this.#tally.add("repeats after the answer to a record got lost");
    return isOwn;
  }

  /** Whether another principal has a later session. Within the bound the signal of the handler says so. */
  isTakenOver(name: string, term: Term | undefined): boolean {
    const sinceMs = this.#takenOverAt(term);
    if (term === undefined || sinceMs === undefined) return false;
    // Whoever gave the mailbox up before hears nothing of it.
    const listens = this.#fences.listens(term.agent, processOf(term));
    if (listens && !term.signal.aborted && sinceMs + this.#hearsWithinMs < this.#now())
      this.#findings.violation("a principal that was taken over hears of it", `${name} at ${term.principal}`);
    return true;
  }

  /** Whether an effect may come behind one of a later session, as nobody was answered who had the mailbox in between. */
  mayBeLate(term: Term | undefined): boolean {
    return term?.signal.aborted === true && this.#isFenced(term);
  }

  /** Whether a handler may begin although the older one still runs. */
  mayOverlap(name: string, older: Term | undefined, newer: Term | undefined): boolean {
    if (older === undefined || newer === undefined) return false;
    const isNewerLate = this.#takenOverAt(newer) !== undefined;
    const isOlderFenced = this.#takenOverAt(older) !== undefined || this.#isFenced(older);
    if (!isNewerLate && !isOlderFenced) return false;
    const isSameProcess = processOf(older) === processOf(newer);
    if (!isNewerLate && isSameProcess) {
      this.#tally.add("returns to a principal whose handler still runs");
      if (!older.signal.aborted)
        this.#findings.violation(
          "a handler hears of the takeover",
          `${name} began again at ${newer.principal}`,
        );
    }
    this.#tally.add("overlapping handlers");
    return true;
  }

  ended(fact: Fact, term: Term | undefined): void {
    if (term === undefined) return;
    const wasTakenOver = this.#takenOverAt(term) !== undefined;
    if (wasTakenOver) this.#tally.add("results after a takeover");
    const ended = this.#ended.get(fact) ?? [];
    this.#ended.set(fact, [...ended, { principal: term.principal, wasTakenOver }]);
  }

  /** A principal says that it has recorded this event. */
  recorded(name: string, fact: Fact, principal: string): void {
    const own = (this.#ended.get(fact) ?? []).filter((each) => each.principal === principal);
    if (own.length > 0 && own.every(({ wasTakenOver }) => wasTakenOver))
      this.#findings.violation("a result after a takeover is not recorded", `${name} by ${principal}`);
  }

  #isFenced(term: Term): boolean {
    return this.#fences.mayBeFenced({ ...term, process: processOf(term) });
  }

  #takenOverAt(term: Term | undefined): number | undefined {
    if (term === undefined) return undefined;
    const { agent, store, principal, epoch } = term;
    return this.#welcomes.takenOverAt(agent, store, principal, epoch);
  }
}

function processOf({ principal, incarnation }: Term): string {
  return `${principal} ${incarnation}`;
}
