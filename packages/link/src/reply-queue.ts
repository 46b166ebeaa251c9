import { LIMITS, type ControlMessage, type EventKey, type Nack } from "@hawser/protocol";

/** ACKs and NACKs that wait for the end of the tick, so that many leave in few frames and all of them before data. */
export class ReplyQueue {
  #acks: EventKey[] = [];
  #nacks: Nack[] = [];

  ack(key: EventKey): void {
    this.#acks.push(key);
  }

  nack(nack: Omit<Nack, "type">): void {
    this.#nacks.push({ type: "nack", ...nack });
  }

  get empty(): boolean {
    return this.#acks.length === 0 && this.#nacks.length === 0;
  }

  /** Everything gathered, as messages within the frame limits, in the order given. Bounded by the window: each reply belongs to one event in flight. */
  drain(recorded: number | undefined): readonly ControlMessage[] {
    const messages: ControlMessage[] = [];
    for (let from = 0; from < this.#acks.length; from += LIMITS.maxAcksPerFrame) {
      const acks = this.#acks.slice(from, from + LIMITS.maxAcksPerFrame);
      messages.push(recorded === undefined ? { type: "ack", acks } : { type: "ack", acks, recorded });
    }
    messages.push(...this.#nacks);
    this.#acks = [];
    this.#nacks = [];
    return messages;
  }
}
