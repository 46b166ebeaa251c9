import type { InboxSnapshot } from "../inbox-decisions.js";

/** What survives a crash of the receiver. */
export class DurableInbox {
  readonly #applied = new Map<string, number>();
  readonly #begun = new Map<string, { readonly version: number; readonly attempts: number }>();
  #settled = 0;

  load(): InboxSnapshot {
    return { settled: this.#settled, applied: new Map(this.#applied), begun: new Map(this.#begun) };
  }

  begin(resourceid: string, version: number, attempts: number): void {
    this.#begun.set(resourceid, { version, attempts });
  }

  record(resourceid: string, version: number): void {
    this.#begun.delete(resourceid);
    if (version > this.#settled) this.#applied.set(resourceid, version);
  }

  settle(version: number): void {
    this.#settled = Math.max(this.#settled, version);
    for (const [resourceid, applied] of this.#applied)
      if (applied <= version) this.#applied.delete(resourceid);
  }
}
