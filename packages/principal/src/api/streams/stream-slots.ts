import { HawserError } from "@hawser/protocol";

/** How many streams are open at once. */
export class StreamSlots {
  readonly #max: number;
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Answers with what gives it back, once. @throws HawserError `overloaded` */
  take(): () => void {
    if (this.#taken >= this.#max) {
      throw new HawserError(
        "overloaded",
        `${this.#max} streams are open already; close one, or raise maxStreams`,
      );
    }
    this.#taken += 1;
    let given = false;
    return () => {
      if (!given) this.#taken -= 1;
      given = true;
    };
  }
}
