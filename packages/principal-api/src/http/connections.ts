import { type Logger, tellObserver } from "@hawser/runtime";
import type { Socket } from "node:net";
import { clientAddressOf } from "./served-by.js";

/** Hears of the connections of a port. */
export interface ConnectionObserver {
  /** How many there are now. */
  open(count: number): void;
  /** One was closed for another one, or was not taken, because there were too many. */
  crowdedOut(): void;
}

interface Held {
  readonly client: string;
  busy: boolean;
  /** It has had a request of somebody who may ask. */
  isKnown: boolean;
}

/**
 * The connections of a port. At most so many are held: a further one takes the place of the one that has been without a request for longest, of the address with the most of them, so that
 * whoever holds many and asks nothing keeps nobody out. One that has shown a good token goes only when no other is left: between two requests a publisher would otherwise be the one without a
 * request for longest. Only where each of them is being answered is the further one closed.
 */
export class Connections {
  readonly #max: number;
  readonly #tell: (tell: (observer: Partial<ConnectionObserver>) => void) => void;
  /** In the order in which they were last busy. */
  readonly #held = new Map<Socket, Held>();
  readonly #countByClient = new Map<string, number>();

  /** @param logger hears of what the observer throws */
  constructor(max: number, observer: Partial<ConnectionObserver>, logger: Pick<Logger, "error">) {
    this.#max = max;
    this.#tell = (tell) => tellObserver(() => tell(observer), logger);
  }

  /** False when the socket was closed because there is no place. */
  take(socket: Socket): boolean {
    if (this.#held.size >= this.#max) {
      this.#tell((observer) => observer.crowdedOut?.());
      const victim = this.#victim();
      if (victim === undefined) {
        socket.destroy();
        return false;
      }
      this.#forget(victim);
      victim.destroy();
    }
    const client = clientAddressOf(socket.remoteAddress);
    this.#held.set(socket, { client, busy: false, isKnown: false });
    this.#countByClient.set(client, (this.#countByClient.get(client) ?? 0) + 1);
    socket.once("close", () => this.#forget(socket));
    this.#tell((observer) => observer.open?.(this.#held.size));
    return true;
  }

  /** A request of somebody who may ask is being answered: this one keeps its place. */
  busy(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.busy = true;
    held.isKnown = true;
  }

  /** It has shown that it may ask. */
  known(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held !== undefined) held.isKnown = true;
  }

  isKnown(socket: Socket): boolean {
    return this.#held.get(socket)?.isKnown === true;
  }

  /** Its answer is out. */
  idle(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    this.#held.set(socket, { ...held, busy: false });
  }

  #victim(): Socket | undefined {
    return this.#idlest(({ isKnown }) => !isKnown) ?? this.#idlest(({ isKnown }) => isKnown);
  }

  #idlest(among: (held: Held) => boolean): Socket | undefined {
    let chosen: { readonly socket: Socket; readonly count: number } | undefined;
    for (const [socket, held] of this.#held) {
      const count = this.#countByClient.get(held.client) ?? 0;
      if (!held.busy && among(held) && count > (chosen?.count ?? 0)) chosen = { socket, count };
    }
    return chosen?.socket;
  }

  #forget(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    const left = (this.#countByClient.get(held.client) ?? 0) - 1;
    if (left > 0) this.#countByClient.set(held.client, left);
    else this.#countByClient.delete(held.client);
    this.#tell((observer) => observer.open?.(this.#held.size));
  }
}
