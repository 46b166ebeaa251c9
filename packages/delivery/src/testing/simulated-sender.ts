import type { EventKey, Nack } from "@hawser/protocol";
import type { Deliverable } from "../deliverable.js";
import { EventWriter } from "../event-writer.js";
import type { Chance } from "./chance.js";
import type { DeliveryChecker } from "./delivery-checker.js";
import { Violation } from "./delivery-checker.js";
import type { DurableMailbox } from "./durable-mailbox.js";
import { SessionChecker } from "./session-checker.js";
import type { SimulatedConnection } from "./simulated-connection.js";
import type { VirtualTime } from "./virtual-time.js";

export interface SenderParts {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly mailbox: DurableMailbox;
  readonly checker: DeliveryChecker;
  readonly window: number;
  readonly windowBytes: number;
  /** Entries held in memory beyond which the mailbox is not read. */
  readonly maxHeld: number;
}

/** Where a session's frames go. */
export interface ReceiverPort {
  event(entry: Deliverable): void;
  settled(version: number): void;
}

/** One session of a sender, driven as a link drives it: by inputs, and by the writer's own wake time. */
export class SenderSession {
  readonly #parts: SenderParts;
  readonly #connection: SimulatedConnection;
  readonly #port: ReceiverPort;
  readonly #writer: EventWriter;
  readonly #session: SessionChecker;
  #cursor = 0;
  #over = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #cancelWake = (): void => {};

  constructor(parts: SenderParts, connection: SimulatedConnection, port: ReceiverPort) {
    this.#parts = parts;
    this.#connection = connection;
    this.#port = port;
    const { window, windowBytes } = parts;
    this.#writer = new EventWriter({ window, windowBytes, random: parts.chance.random });
    this.#session = new SessionChecker(window, windowBytes);
    this.announceFloor();
    this.#react();
  }

  get held(): number {
    return this.#writer.held;
  }

  ack(key: EventKey): void {
    if (this.#over) return;
    this.#input();
    this.#session.answered(key);
    const result = this.#writer.ack(key, this.#parts.time.nowMs);
    if (result.kind === "acked") {
      this.#parts.checker.acknowledged(key);
      this.#parts.mailbox.acknowledge(result.version);
    }
    this.#react();
  }

  nack(nack: Nack): void {
    if (this.#over) return;
    this.#input();
    this.#session.answered(nack);
    const result = this.#writer.nack(nack, this.#parts.time.nowMs);
    if (result.kind === "deadLetter") this.#deadLetter(result.entry.version);
    this.#react();
  }

  announceFloor(): void {
    const lowest = this.#writer.lowestHeld();
    const floor =
      this.#cursor === 0 ? this.#parts.mailbox.floor : lowest === undefined ? this.#cursor : lowest - 1;
    this.#connection.toReceiver(() => this.#port.settled(floor));
  }

  /** The mailbox has something new. */
  published(entry: Deliverable): void {
    if (this.#over) return;
    this.#input();
    this.#feed();
    if (this.#cursor < entry.version) {
      this.#session.skipSpilled(entry);
      this.#writer.skipSpilled(entry);
    }
    this.#react();
  }

  /** These are not in the mailbox any more. */
  purged(gone: readonly Deliverable[]): void {
    if (this.#over) return;
    this.#input();
    for (const { version, event } of gone) {
      this.#session.purged(version);
      const inFlight = this.#writer.purge(event.resourceid, new Set([version]));
      if (inFlight > 0 && !this.#session.isOutstanding(version))
        throw new Violation(`${version} counts as in flight, and is not`);
    }
    this.#react();
  }

  end(): void {
    this.#over = true;
    this.#cancelWake();
  }

  // Whatever could have gone by time alone has gone already, or its wake time was wrong.
  #input(): void {
    const { nowMs } = this.#parts.time;
    if (this.#wakeAt <= nowMs) return;
    if (this.#writer.take(nowMs, nowMs) !== undefined)
      throw new Violation("the writer had something to send and did not want to be woken");
  }

  /** Sends what may go now, and sets the alarm for what may go later. */
  #react(): void {
    const { time } = this.#parts;
    this.#transmit();
    this.#cancelWake();
    const wakeAt = this.#writer.nextWakeAt();
    this.#wakeAt = wakeAt ?? Number.POSITIVE_INFINITY;
    if (wakeAt === undefined) return;
    if (wakeAt <= time.nowMs)
      throw new Violation("the writer wants to be woken at once, and had nothing to send");
    this.#cancelWake = time.at(wakeAt, () => {
      if (this.#transmit() === 0) throw new Violation("the writer had itself woken for nothing");
      this.#react();
    });
  }

  #transmit(): number {
    const { time } = this.#parts;
    let taken = 0;
    this.#feed();
    for (;;) {
      const next = this.#writer.take(time.nowMs, time.nowMs);
      if (next === undefined) break;
      taken += 1;
      const { entry } = next;
      if (next.kind !== "send") {
        this.#session.gaveWay(entry);
        if (next.kind === "expired") this.#deadLetter(entry.version);
      } else {
        this.#session.sent(entry);
        this.#connection.toReceiver(() => this.#port.event(entry));
      }
      this.#feed();
    }
    if (this.#writer.inFlight !== this.#session.outstanding)
      throw new Violation(
        `${this.#writer.inFlight} in flight by count, ${this.#session.outstanding} observed`,
      );
    return taken;
  }

  #feed(): void {
    const { mailbox, maxHeld } = this.#parts;
    while (this.#writer.held < maxHeld) {
      const entry = mailbox.after(this.#cursor);
      if (entry === undefined) return;
      this.#cursor = entry.version;
      this.#session.offered(entry);
      this.#writer.offer(entry);
    }
  }

  #deadLetter(version: number): void {
    const { time, chance, mailbox, checker } = this.#parts;
    time.after(chance.between(0, 100), () => {
      if (this.#over) return;
      this.#input();
      mailbox.deadLetter(version);
      checker.deadLettered(version);
      this.#writer.deadLetterWritten(version);
      this.#react();
    });
  }
}
