/** Virtual time: what is to happen when, in order of time and then of asking. */
export class Agenda {
  #nowMs = 0;
  #entries: { readonly atMs: number; readonly act: () => void }[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, act: () => void): void {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    let index = this.#entries.length;
    while (index > 0 && (this.#entries[index - 1]?.atMs ?? 0) > atMs) index -= 1;
    this.#entries.splice(index, 0, { atMs, act });
  }

  /** Runs what comes due up to `untilMs`, `check` after each; more than `maxSteps` means that something spins. */
  run(untilMs: number, check: () => void, maxSteps = 100_000): void {
    for (let steps = 0; (this.#entries[0]?.atMs ?? Number.POSITIVE_INFINITY) <= untilMs; steps += 1) {
      if (steps > maxSteps) throw new Error(`still busy at ${this.#nowMs} ms after ${maxSteps} steps`);
      const entry = this.#entries.shift();
      if (entry === undefined) break;
      this.#nowMs = entry.atMs;
      entry.act();
      check();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}
