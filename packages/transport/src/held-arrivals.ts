import type { CloudEvent, HawserError } from "@hawser/protocol";
import type { Close } from "./close-outcome.js";

/** What comes on a connection. */
export type Arrival =
  | { readonly kind: "event"; readonly event: CloudEvent }
  | { readonly kind: "unreadable"; readonly error: HawserError; readonly bytes: number }
  | { readonly kind: "close"; readonly close: Close }
  | { readonly kind: "broken"; readonly error: HawserError };

/**
 * What came before `open`, or during a pause, in the order in which it came. Its bound is what one
 * read of the socket brings: a transport reads nothing while its connection is held back.
 */
export class HeldArrivals {
  #arrivals: Arrival[] = [];
  #next = 0;

  /** False also while the last one is delivered: what comes meanwhile is behind it. */
  get isEmpty(): boolean {
    return this.#arrivals.length === 0;
  }

  push(arrival: Arrival): void {
    this.#arrivals.push(arrival);
  }

  take(): Arrival | undefined {
    const arrival = this.#arrivals[this.#next];
    if (arrival === undefined) this.clear();
    else this.#next += 1;
    return arrival;
  }

  clear(): void {
    this.#arrivals = [];
    this.#next = 0;
  }
}
