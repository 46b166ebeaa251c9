import type { VirtualRuntime } from "@hawser/testkit";

/** Lines kept for the trace of a failure. */
const MAX_LINES = 4_000;

/** What a run found and what led to it. Checkers are called from inside the code under test, which must not see them throw; so the first finding is kept and ends the run. */
export class Findings {
  first: string | undefined;
  readonly #virtual: VirtualRuntime;
  #lines: string[] = [];

  constructor(virtual: VirtualRuntime) {
    this.#virtual = virtual;
  }

  violation(rule: string, what: string): void {
    this.trace("CHECKER", `${rule}: ${what}`);
    this.first ??= `${rule}: ${what}`;
  }

  trace(who: string, what: string): void {
    if (this.first !== undefined) return;
    if (this.#lines.length >= 2 * MAX_LINES) this.#lines = this.#lines.slice(MAX_LINES);
    this.#lines.push(`${this.#virtual.now().toFixed(1).padStart(10)} ms  ${who.padEnd(12)} ${what}`);
  }

  /** The last lines before the first finding, oldest first. */
  tail(count: number): string {
    return this.#lines.slice(-Math.min(count, MAX_LINES)).join("\n");
  }
}
