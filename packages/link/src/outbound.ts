import {
  encodeControl,
  LIMITS,
  type Ack,
  type ControlMessage,
  type EventKey,
  type Nack,
} from "@hawser/protocol";
import type { Deliverable } from "@hawser/delivery";
import type { Connection } from "@hawser/transport";

/**
 * Output of one connection: session messages at once, events while it has room, ACKs and NACKs at
 * the end of the tick, in few frames ahead of data.
 */
export class Outbound {
  readonly #connection: Connection;
  readonly #source: string;
  readonly #recorded: () => number | undefined;
  // Bounded by the window: each reply belongs to one event in flight.
  #acks: EventKey[] = [];
  #nacks: Nack[] = [];
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
    this.#acks.push(key);
  }

  nack(nack: Omit<Nack, "type">): void {
    this.#nacks.push({ type: "nack", ...nack });
  }

  /** Sends the replies that were gathered, in the order given, within the limits of a frame. */
  flushReplies(): void {
    if (this.#acks.length > 0) this.#flushAcks();
    if (this.#nacks.length === 0) return;
    const nacks = this.#nacks;
    this.#nacks = [];
    for (const nack of nacks) this.control(nack);
  }

  #flushAcks(): void {
    const acks = this.#acks;
    this.#acks = [];
    const recorded = this.#recorded();
    for (let from = 0; from < acks.length; from += LIMITS.maxAcksPerFrame) {
      const ack: Ack = { type: "ack", acks: acks.slice(from, from + LIMITS.maxAcksPerFrame) };
      this.control(recorded === undefined ? ack : { ...ack, recorded });
    }
  }

  /** Sent even when the buffer is full: the hard limit ends a peer that does not read. */
  control(message: ControlMessage): void {
    this.#messages += 1;
    const event = encodeControl(message, { id: String(this.#messages), source: this.#source });
    if (this.#connection.send(event) !== "queued") this.#writable = false;
  }

  /** False: the event is under way, but stop until there is room; or the connection is over. */
  readonly event = ({ event, json }: Deliverable): boolean => {
    this.#writable = this.#connection.send(event, json) === "queued";
    return this.#writable;
  };
}
