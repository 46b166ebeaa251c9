import { HawserError } from "@hawser/protocol";
import { ClientShares } from "../http/client-shares.js";
import type { StreamName } from "./stream-observer.js";

/** How many streams are open at once; one client has half of them at most. */
export class StreamSlots {
  readonly #max: number;
  readonly #maxPerClient: number;
  readonly #onChange: (stream: StreamName, open: number) => void;
  readonly #taken: Record<StreamName, number> = { events: 0, agents: 0, agent_events: 0, output: 0 };
  readonly #shares: ClientShares;

  constructor(max: number, onChange: (stream: StreamName, open: number) => void) {
    this.#max = max;
    this.#maxPerClient = Math.max(1, Math.floor(max / 2));
    this.#onChange = onChange;
    this.#shares = new ClientShares(this.#maxPerClient);
  }

  /** Answers with what gives it back, once. @throws HawserError `overloaded` */
  take(stream: StreamName, client: string | undefined): () => void {
    const open = Object.values(this.#taken).reduce((sum, count) => sum + count, 0);
    if (open >= this.#max) {
      throw new HawserError(
        "overloaded",
        `${this.#max} streams are open already; close one, or raise maxStreams`,
      );
    }
    const giveBack = this.#shares.take(client);
    if (giveBack === undefined) {
      throw new HawserError(
        "overloaded",
        `this client has ${this.#maxPerClient} streams open, half of all there may be; close one, or raise maxStreams`,
      );
    }
    this.#change(stream, 1);
    let given = false;
    return () => {
      if (!given) this.#change(stream, -1);
      given = true;
      giveBack();
    };
  }

  #change(stream: StreamName, by: 1 | -1): void {
    this.#taken[stream] += by;
    this.#onChange(stream, this.#taken[stream]);
  }
}
