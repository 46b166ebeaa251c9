import type { PrincipalApi, Totals } from "./principal-api.js";

const NONE: Totals = { accepted: 0, sent: 0, acked: 0 };

/** Totals over all lives of the principal: its own begin at zero with each start. */
export class Counters {
  #before: Totals = NONE;
  #current: Totals = NONE;

  get totals(): Totals {
    return {
      accepted: this.#before.accepted + this.#current.accepted,
      sent: this.#before.sent + this.#current.sent,
      acked: this.#before.acked + this.#current.acked,
    };
  }

  async read(api: PrincipalApi): Promise<void> {
    this.#current = await api.totals();
  }

  /** The principal is about to die, or did. */
  nextLife(): void {
    this.#before = this.totals;
    this.#current = NONE;
  }
}
