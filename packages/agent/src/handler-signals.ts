import type { Delivery } from "@hawser/link";

/** When handlers shall give up: at the stop of the agent, and with what they were begun for. */
export class HandlerSignals {
  /** Of the stop. */
  readonly stop: AbortSignal;
  // Many deliveries share one signal, and to put two together costs more than to compare them.
  #latest: { readonly of: AbortSignal; readonly both: AbortSignal } | undefined;

  constructor(stop: AbortSignal) {
    this.stop = stop;
  }

  of({ signal }: Pick<Delivery, "signal">): AbortSignal {
    if (this.#latest?.of !== signal)
      this.#latest = { of: signal, both: AbortSignal.any([this.stop, signal]) };
    return this.#latest.both;
  }
}
