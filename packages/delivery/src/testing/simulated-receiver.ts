import type { EventKey, Nack } from "@hawser/protocol";
import type { Deliverable } from "../deliverable.js";
import type { Starting } from "../inbox-decisions.js";
import { Inbox } from "../inbox.js";
import type { Chance } from "./chance.js";
import type { DeliveryChecker } from "./delivery-checker.js";
import { DurableInbox } from "./durable-inbox.js";
import type { VirtualTime } from "./virtual-time.js";

export interface ReceiverParts {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly checker: DeliveryChecker;
  /** True while handlers may fail and dawdle. */
  readonly faulty: () => boolean;
  /** True for events no handler will ever accept. */
  readonly poisoned: (version: number) => boolean;
}

/** Where answers go: the session there is when they are given, whichever brought the event. */
export interface AnswerPort {
  ack(key: EventKey): void;
  nack(nack: Nack): void;
}

/** A receiver as a link drives its inbox: begin, handle, record, answer. A crash loses everything but the durable inbox. */
export class SimulatedReceiver {
  readonly #parts: ReceiverParts;
  readonly #durable = new DurableInbox();
  #inbox: Inbox;
  /** What an earlier incarnation left running has died with it. */
  #incarnation = 0;
  #answers: AnswerPort | undefined;

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#inbox = new Inbox(this.#durable.load());
  }

  get applying(): number {
    return this.#inbox.applying;
  }

  attach(answers: AnswerPort): void {
    this.#answers = answers;
  }

  crash(): void {
    this.#incarnation += 1;
    this.#answers = undefined;
    this.#inbox = new Inbox(this.#durable.load());
  }

  settled(version: number): void {
    this.#inbox.settle(version);
    this.#durable.settle(version);
  }

  receive(entry: Deliverable): void {
    const received = this.#inbox.receive(entry);
    switch (received.kind) {
      case "apply":
        this.#start({ ...entry, attempt: received.attempt });
        return;
      case "wait":
        for (const superseded of received.superseded) this.#ack(superseded);
        return;
      case "duplicate":
      case "stale":
        this.#ack(entry);
        return;
      case "full":
        this.#nack(entry, true);
    }
  }

  #start(starting: Starting): void {
    const { chance, checker, faulty } = this.#parts;
    this.#durable.begin(starting.event.resourceid, starting.version, starting.attempt);
    checker.handlerBegan(starting, starting.attempt);
    const slow = faulty() && chance.happens(0.1);
    this.#later(slow ? chance.between(1_000, 12_000) : chance.between(0, 100), () => this.#handled(starting));
  }

  #handled(entry: Deliverable): void {
    const { chance, checker, faulty, poisoned } = this.#parts;
    if (poisoned(entry.version)) {
      // Not recorded: should this NACK be lost with the process, the event comes again and is refused again.
      this.#nack(entry, false);
      this.#finish(entry, "rejected");
      return;
    }
    const fails = faulty() && chance.happens(0.15);
    if (!fails || chance.happens(0.5)) checker.effect(entry);
    if (fails) {
      this.#nack(entry, true);
      this.#finish(entry, "retry");
      return;
    }
    this.#later(chance.between(0, 50), () => this.#recorded(entry));
  }

  #recorded(entry: Deliverable): void {
    this.#durable.record(entry.event.resourceid, entry.version);
    this.#parts.checker.recorded(entry.version);
    this.#ack(entry);
    this.#finish(entry, "applied");
  }

  #finish({ event, version }: Deliverable, outcome: "applied" | "rejected" | "retry"): void {
    const { next, blocked } = this.#inbox.finish(event.resourceid, version, outcome);
    for (const behind of blocked) this.#nack(behind, true);
    if (next !== undefined) this.#start(next);
  }

  #ack({ event: { resourceid, eventid } }: Deliverable): void {
    this.#answers?.ack({ resourceid, eventid });
  }

  #nack({ event: { resourceid, eventid } }: Deliverable, retryable: boolean): void {
    const code = retryable ? "handler_failed" : "handler_rejected";
    this.#answers?.nack({ type: "nack", resourceid, eventid, retryable, code, message: "as simulated" });
  }

  #later(delayMs: number, step: () => void): void {
    const incarnation = this.#incarnation;
    this.#parts.time.after(delayMs, () => {
      if (incarnation === this.#incarnation) step();
    });
  }
}
