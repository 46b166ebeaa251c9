import type { Findings } from "../findings.js";

/** A claim of a mailbox, or a write under one. */
export interface Act {
  readonly agent: string;
  /** The process that claimed the mailbox. */
  readonly process: string;
  /** Of the claim. */
  readonly epoch: number;
  /** Of a claim: when the store decided on it. Of a write: when it was asked for. In `Ledger.tick`. */
  readonly at: number;
}

/**
 * What the clients of a shared store are answered: epochs rise in the order of the claims, and nothing is written under a claim once another process has claimed the mailbox. Answers that were
 * lost tell nothing.
 */
export class FenceChecker {
  readonly #findings: Findings;
  readonly #claims = new Map<string, Act[]>();
  readonly #writes = new Map<string, Act[]>();
  /** Claims the store has decided on, whatever came of them. */
  readonly #decided: Pick<Act, "agent" | "process" | "at">[] = [];
  /** Claims that were given up. */
  readonly #closed = new Set<string>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  decided(claim: Pick<Act, "agent" | "process" | "at">): void {
    this.#decided.push(claim);
  }

  closed(claim: Pick<Act, "agent" | "process" | "epoch">): void {
    this.#closed.add(keyOf(claim));
  }

  /** Whether this process has a claim that it did not give up: it hears of what becomes of the mailbox. */
  listens(agent: string, process: string): boolean {
    const claims = this.#claims.get(agent) ?? [];
    return claims.some((claim) => claim.process === process && !this.#closed.has(keyOf(claim)));
  }

  /** Whether another process may have claimed the mailbox since, be it that nobody was answered. */
  mayBeFenced({ agent, process, epoch }: Pick<Act, "agent" | "process" | "epoch">): boolean {
    const own = (this.#claims.get(agent) ?? []).find(
      (claim) => keyOf(claim) === keyOf({ agent, process, epoch }),
    );
    if (own === undefined) return false;
    return this.#decided.some(
      (other) => other.agent === agent && other.process !== process && other.at > own.at,
    );
  }

  claimed(claim: Act): void {
    const claims = this.#claims.get(claim.agent) ?? [];
    this.#claims.set(claim.agent, [...claims, claim]);
    for (const other of claims)
      if (other.at < claim.at !== other.epoch < claim.epoch)
        this.#findings.violation(
          "epochs rise in the order of claims",
          `${nameOf(claim)} and ${nameOf(other)}`,
        );
    for (const write of this.#writes.get(claim.agent) ?? []) this.#check(write, claim);
  }

  /** The store answered that it was written. */
  wrote(write: Act): void {
    const writes = this.#writes.get(write.agent) ?? [];
    this.#writes.set(write.agent, writes);
    writes.push(write);
    for (const claim of this.#claims.get(write.agent) ?? []) this.#check(write, claim);
  }

  #check(write: Act, claim: Act): void {
    if (claim.process === write.process || claim.epoch < write.epoch || claim.at > write.at) return;
    this.#findings.violation("a fenced write is refused", `${nameOf(write)} after ${nameOf(claim)}`);
  }
}

function keyOf({ agent, process, epoch }: Pick<Act, "agent" | "process" | "epoch">): string {
  return `${agent} ${process} ${epoch}`;
}

function nameOf({ agent, process, epoch, at }: Act): string {
  return `${agent} at ${process} in epoch ${epoch} (${at})`;
}
