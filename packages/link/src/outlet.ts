import { encodeControl, type ControlMessage, type EventKey, type Nack } from "@hawser/protocol";
import type { Deliverable } from "@hawser/delivery";
import type { Connection } from "@hawser/transport";
import { ReplyQueue } from "./reply-queue.js";

/** Everything a link sends goes through here: replies gathered per tick, session messages at once, events while the connection takes them. */
export class Outlet {
  readonly #connection: Connection;
  readonly #source: string;
  readonly #recorded: () => number | undefined;
  readonly #replies = new ReplyQueue();
  #writable = true;
  #messages = 0;

  /**
   * @param source the CloudEvents `source` of control messages
   * @param recorded how many events of the peer are recorded by now, for ACKs
   */
  constructor(connection: Connection, source: string, recorded: () => number | undefined) {
    this.#connection = connection;
    this.#source = source;
    this.#recorded = recorded;
  }

  /** Whether the connection takes events now. */
  get writable(): boolean {
    return this.#writable;
  }

  /** The connection has room again. */
  opened(): void {
    this.#writable = true;
  }

  ack(key: EventKey): void {
    this.#replies.ack(key);
  }

  nack(nack: Omit<Nack, "type">): void {
    this.#replies.nack(nack);
  }

  flushReplies(): void {
    if (this.#replies.empty) return;
    for (const message of this.#replies.drain(this.#recorded())) this.control(message);
  }

  /** Goes out even when the buffer is full; the hard limit of the connection ends a peer that does not read. */
  control(message: ControlMessage): void {
    this.#messages += 1;
    const event = encodeControl(message, { id: String(this.#messages), source: this.#source });
    if (this.#connection.send(event) !== "queued") this.#writable = false;
  }

  /** False: stop until there is room, with the event on its way all the same; or the connection is over, and all goes again on the next one. */
  readonly event = ({ event, json }: Deliverable): boolean => {
    this.#writable = this.#connection.send(event, json) === "queued";
    return this.#writable;
  };
}
