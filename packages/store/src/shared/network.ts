import type { Timers } from "@hawser/runtime";

/** What became of a request. */
export type Answer<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "refused"; readonly thrown: unknown }
  /** `delivered`: the server began it, so it may have been carried out. Otherwise it never is. */
  | { readonly kind: "unanswered"; readonly delivered: boolean };

/** The network between the clients of an engine and its server. */
export interface Network {
  readonly timers: Timers;
  /** How long the next message takes, in milliseconds. */
  readonly delay: () => number;
  /** Whether the next notification gets lost on a connection that is up. */
  readonly loses: () => boolean;
}

/** One direction: messages arrive in the order in which they were sent. */
function pipe({ timers, delay }: Network): (deliver: () => unknown) => void {
  const sent: (() => unknown)[] = [];
  // The delay that ends first delivers the message that was sent first, so that nothing overtakes.
  const arrive = (): void => void sent.shift()?.();
  return (deliver) => {
    sent.push(deliver);
    const ms = delay();
    if (ms > 0) timers.after(ms, arrive);
    else void Promise.resolve().then(arrive);
  };
}

/** The way of one client to the server and back. A message is a function run at the other end. */
export class Link {
  readonly #network: Network;
  readonly #timers: Timers;
  readonly #toServer: (deliver: () => unknown) => void;
  readonly #toClient: (deliver: () => unknown) => void;
  /** Give up requests that are not answered yet. */
  readonly #waiting = new Set<() => void>();
  /** As with TCP, nothing arrives any more on a connection that was cut. */
  #connection = { isOpen: true };
  #cuts = 0;
  #hasEnded = false;

  /** @param timers of the client */
  constructor(network: Network, timers: Timers) {
    this.#network = network;
    this.#timers = timers;
    this.#toServer = pipe(network);
    this.#toClient = pipe(network);
  }

  /**
   * Runs this at the server. Without an answer, it ends after `timeoutMs` or with the connection.
   */
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
      const answer = (what: Answer<T>): void => this.#toClient(() => connection.isOpen && end(what));
      this.#toServer(() => {
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
    this.#toClient(() => connection.isOpen && tell());
    return true;
  }

  /**
   * Loses every message in both directions, those under way included, until the returned function
   * is called. Requests of the client time out, or fail at once when the cut ends.
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

  /** For good. Requests that wait are answered. */
  end(): void {
    this.#hasEnded = true;
    this.#connection.isOpen = false;
    this.#giveUpAll();
  }

  #giveUpAll(): void {
    for (const giveUp of this.#waiting) giveUp();
  }
}
