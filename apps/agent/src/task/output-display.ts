import type { OutputRequest, OutputWindow } from "@hawser/protocol";
import type { Clock, Timer, Timers } from "@hawser/runtime";
import type { OutputLog } from "./output-log.js";

/** Between two statuses that show more of the output, in milliseconds. */
const SHOW_INTERVAL_MS = 1_000;

export interface OutputDisplayOptions {
  readonly log: OutputLog;
  readonly clock: Clock;
  readonly timers: Timers;
  /** What is shown has changed, or nothing is shown any more. */
  readonly changed: () => void;
}

/** Shows the output of a Task for as long as somebody asks: soon after a request, then once a second at most while there is more. Nobody asks: nothing is done. */
export class OutputDisplay {
  readonly #options: OutputDisplayOptions;
  #request: OutputRequest | undefined;
  #end: Timer | undefined;
  #next: Timer | undefined;
  #shownAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: OutputDisplayOptions) {
    this.#options = options;
  }

  /** What is shown now; undefined while nobody asks. */
  get window(): OutputWindow | undefined {
    const request = this.#request;
    return request === undefined
      ? undefined
      : { request: request.request, ...this.#options.log.after(request.after) };
  }

  /** Shows it for a while; a later request takes the place of this one. */
  show(request: OutputRequest): void {
    const { timers } = this.#options;
    this.#request = request;
    this.#end?.cancel();
    this.#end = timers.after(request.forMs, () => {
      this.close();
      this.#options.changed();
    });
    this.more();
  }

  /** There is more to show. */
  more(): void {
    if (this.#request === undefined || this.#next !== undefined) return;
    const { clock, timers } = this.#options;
    const waitMs = Math.max(0, this.#shownAtMs + SHOW_INTERVAL_MS - clock.now());
    this.#next = timers.after(waitMs, () => {
      this.#next = undefined;
      this.#shownAtMs = this.#options.clock.now();
      this.#options.changed();
    });
  }

  /** Shows nothing from here on. False when nothing was shown. */
  close(): boolean {
    const wasShown = this.#request !== undefined;
    this.#request = undefined;
    this.#end?.cancel();
    this.#next?.cancel();
    this.#next = undefined;
    return wasShown;
  }
}
