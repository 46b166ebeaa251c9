import { HawserError } from "@hawser/protocol";
import type { StreamName } from "./stream-observer.js";

/** How many streams are open at once. */
export class StreamSlots {
  readonly #max: number;
  readonly #onChange: (stream: StreamName, open: number) => void;
  readonly #taken: Record<StreamName, number> = { events: 0, agents: 0 };

  constructor(max: number, onChange: (stream: StreamName, open: number) => void) {
    this.#max = max;
    this.#onChange = onChange;
  }

  /** Answers with what gives it back, once. @throws HawserError `overloaded` */
  take(stream: StreamName): () => void {
    if (this.#taken.events + this.#taken.agents >= this.#max) {
      throw new HawserError(
        "overloaded",
        `${this.#max} streams are open already; close one, or raise maxStreams`,
      );
    }
    this.#change(stream, 1);
    let given = false;
    return () => {
      if (!given) this.#change(stream, -1);
      given = true;
    };
  }

  #change(stream: StreamName, by: 1 | -1): void {
    this.#taken[stream] += by;
    this.#onChange(stream, this.#taken[stream]);
  }
}
