import type { Timers } from "@hawser/runtime";

/** What became of a request. */
export type Answer<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "refused"; readonly thrown: unknown }
  /** `delivered`: the server began it, so it may have been carried out. Otherwise it never will be. */
  | { readonly kind: "unanswered"; readonly delivered: boolean };

/** What lies between the clients of an engine and its server. */
export interface Network {
  readonly timers: Timers;
  /** How long the next message takes, in milliseconds. */
  readonly delay: () => number;
  /** Whether the next notification gets lost on a connection that is up. */
  readonly loses: () => boolean;
}

/** Like one of TCP: in order, and nothing arrives on it any more once it was cut. */
interface Connection {
  isOpen: boolean;
}

/** One direction: what is sent arrives in that order. */
class Pipe {
  readonly #network: Network;
  readonly #sent: (() => void)[] = [];

  constructor(network: Network) {
    this.#network = network;
  }

  send(deliver: () => void): void {
    this.#sent.push(deliver);
    // Whichever delay ends first delivers what was sent first, so that nothing overtakes.
    const arrive = (): void => this.#sent.shift()?.();
    const delay = this.#network.delay();
    if (delay > 0) this.#network.timers.after(delay, arrive);
    else void Promise.resolve().then(arrive);
  }
}

/** The way of one client to the server and back. A message is what is run at the other end. */
export class Link {
  readonly #network: Network;
  readonly #timers: Timers;
  readonly #toServer: Pipe;
  readonly #toClient: Pipe;
  /** Give up requests that are not answered yet. */
  readonly #waiting = new Set<() => void>();
  #connection: Connection = { isOpen: true };
  #cuts = 0;
  #hasEnded = false;

  /** @param timers of the client */
  constructor(network: Network, timers: Timers) {
    this.#network = network;
    this.#timers = timers;
    this.#toServer = new Pipe(network);
    this.#toClient = new Pipe(network);
  }

  /** Runs this at the server, and answers when that has answered, when `timeoutMs` have passed, or when the connection turns out to be lost. */
  request<T>(run: () => Promise<T>, timeoutMs: number): Promise<Answer<T>> {
    if (this.#hasEnded) return Promise.resolve({ kind: "unanswered", delivered: false });
    const connection = this.#connection;
    return new Promise((resolve) => {
      let stage: "sent" | "delivered" | "over" = "sent";
      const end = (answer: Answer<T>): void => {
        if (stage === "over") return;
        stage = "over";
        timer.cancel();
        this.#waiting.delete(giveUp);
        resolve(answer);
      };
      const giveUp = (): void => end({ kind: "unanswered", delivered: stage === "delivered" });
      const timer = this.#timers.after(timeoutMs, giveUp);
      this.#waiting.add(giveUp);
      const answer = (what: Answer<T>): void =>
        this.#toClient.send(() => {
          if (connection.isOpen) end(what);
        });
      this.#toServer.send(() => {
        if (!connection.isOpen || stage === "over") return;
        stage = "delivered";
        void run().then(
          (value) => answer({ kind: "value", value }),
          (thrown: unknown) => answer({ kind: "refused", thrown }),
        );
      });
    });
  }

  /** Runs this at the client. @returns false where it is lost already */
  notify(tell: () => void): boolean {
    const connection = this.#connection;
    if (!connection.isOpen || this.#network.loses()) return false;
    this.#toClient.send(() => {
      if (connection.isOpen) tell();
    });
    return true;
  }

  /**
   * Nothing gets through, in either direction, until what this answers is called, and nothing that was on its way. The client is not told: its requests time out, or fail at once when the
   * cut ends.
   *
   * @param onHealed the last cut has ended
   */
  cut(onHealed: () => void): () => void {
    this.#cuts += 1;
    this.#connection.isOpen = false;
    let isCut = true;
    return () => {
      if (!isCut) return;
      isCut = false;
      this.#cuts -= 1;
      if (this.#cuts > 0 || this.#hasEnded) return;
      this.#connection = { isOpen: true };
      this.#giveUpAll();
      onHealed();
    };
  }

  /** For good. Who still waits is answered. */
  end(): void {
    this.#hasEnded = true;
    this.#connection.isOpen = false;
    this.#giveUpAll();
  }

  #giveUpAll(): void {
    for (const giveUp of this.#waiting) giveUp();
  }
}
