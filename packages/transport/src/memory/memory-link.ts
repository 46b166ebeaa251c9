import { MemoryConnection, type MemoryConnectionOptions } from "./memory-connection.js";
import { MemoryPipe } from "./memory-pipe.js";

type EndOptions = Omit<MemoryConnectionOptions, "onEnded" | "accepted">;

/** Both ends of one memory connection and the two pipes between them. */
export class MemoryLink {
  readonly client: MemoryConnection;
  readonly server: MemoryConnection;
  readonly #upstream: MemoryPipe;
  readonly #downstream: MemoryPipe;

  /**
   * @param held true while the link is black-holed
   * @param onEnded called once both ends have ended
   */
  constructor(client: EndOptions, server: EndOptions, held: () => boolean, onEnded: () => void) {
    const ended = (): void => {
      if (this.client.ended && this.server.ended) onEnded();
    };
    this.client = new MemoryConnection({ ...client, accepted: false, onEnded: ended }, () => this.#upstream);
    this.server = new MemoryConnection({ ...server, accepted: true, onEnded: ended }, () => this.#downstream);
    this.#upstream = this.#pipe(this.client, this.server, held);
    this.#downstream = this.#pipe(this.server, this.client, held);
    this.client.onReading = () => this.#downstream.wake();
    this.server.onReading = () => this.#upstream.wake();
  }

  wake(): void {
    this.#upstream.wake();
    this.#downstream.wake();
  }

  cut(): void {
    this.client.lose();
    this.server.lose();
  }

  #pipe(from: MemoryConnection, to: MemoryConnection, held: () => boolean): MemoryPipe {
    return new MemoryPipe(from.timers, {
      receive: (parcel) => to.receive(parcel),
      flowing: () => to.reading && !held(),
      drained: () => from.left(),
    });
  }
}
