import { seededRandom } from "@hawser/runtime";
import { Chance } from "./chance.js";
import { DeliveryChecker, Violation } from "./delivery-checker.js";
import { DurableMailbox } from "./durable-mailbox.js";
import { deliverable, type EventSketch } from "./events.js";
import { SimulatedConnection } from "./simulated-connection.js";
import { SimulatedReceiver } from "./simulated-receiver.js";
import { SenderSession, type SenderParts } from "./simulated-sender.js";
import { VirtualTime } from "./virtual-time.js";

const FAULTY_MS = 60_000;
/** Once faults are over, the longest backoff or timeout that may be running then, and the one that may follow it... */
const LAST_WAITS_MS = 300_000;
/** ...and the longest a window of one can take over one event: two slow frames, a handler, a record. */
const EVENT_MS = 3_200;

/**
 * One run: a publisher, a sender and a receiver over connections that are cut, and processes that crash. First a time with faults, in which nothing
 * may go wrong for good; then none, and everything has to settle. The same seed is the same run.
 */
export class DeliverySimulation {
  readonly #time = new VirtualTime();
  readonly #chance: Chance;
  readonly #checker = new DeliveryChecker();
  readonly #mailbox: DurableMailbox;
  readonly #receiver: SimulatedReceiver;
  readonly #senderParts: SenderParts;
  readonly #poisoned = new Set<number>();
  readonly #resources: number;
  #connection: SimulatedConnection | undefined;
  #session: SenderSession | undefined;
  #faulty = true;

  constructor(seed: number) {
    const chance = new Chance(seededRandom(seed));
    const [time, checker] = [this.#time, this.#checker];
    this.#chance = chance;
    this.#mailbox = new DurableMailbox(chance.happens(0.5));
    this.#resources = chance.integer(1, 8);
    const window = chance.integer(1, 6);
    const maxHeld = window * chance.integer(1, 4);
    // Of three runs one is bounded by bytes before it is bounded by events, in one of them even below a single event.
    const windowBytes =
      [Number.POSITIVE_INFINITY, chance.integer(500, 4_000), chance.integer(1, 300)][chance.integer(0, 2)] ??
      1;
    this.#senderParts = { time, chance, mailbox: this.#mailbox, checker, window, windowBytes, maxHeld };
    this.#receiver = new SimulatedReceiver({
      time,
      chance,
      checker,
      faulty: () => this.#faulty,
      poisoned: (version) => this.#poisoned.has(version),
    });
  }

  /** @throws Violation when a rule is broken, or not everything settles in time */
  run(): void {
    this.#connect();
    this.#every(20, this.#chance.between(50, 1_500), () => this.#publish());
    this.#every(1_000, 15_000, () => this.#cut());
    this.#every(5_000, 30_000, () => this.#crashSender());
    this.#every(5_000, 30_000, () => this.#crashReceiver());
    this.#every(100, 3_000, () => this.#mailbox.writeAcks());
    this.#every(2_000, 30_000, () => this.#purge());
    this.#every(500, 3_000, () => this.#session?.announceFloor());
    this.#time.run(FAULTY_MS);
    this.#faulty = false;
    const boundMs = LAST_WAITS_MS + this.#mailbox.pending * EVENT_MS;
    this.#time.run(FAULTY_MS + boundMs, () => this.#settled());
    if (!this.#settled()) throw new Violation(`not settled in time: ${this.#mailbox.pending} events pending`);
    this.#checker.converged();
  }

  #settled(): boolean {
    return (
      !this.#faulty &&
      this.#mailbox.pending === 0 &&
      this.#session?.held === 0 &&
      this.#receiver.applying === 0
    );
  }

  #every(minMs: number, maxMs: number, act: () => void): void {
    this.#time.after(this.#chance.between(minMs, maxMs), () => {
      if (!this.#faulty) return;
      act();
      this.#every(minMs, maxMs, act);
    });
  }

  #publish(): void {
    const chance = this.#chance;
    const type = (["command", "command", "command", "spec", "spec", "spec", "status", "delete"] as const)[
      chance.integer(0, 7)
    ];
    const expiresAt = this.#time.nowMs + chance.between(0, 20_000);
    const sketch: EventSketch = {
      resource: `r${chance.integer(1, this.#resources)}`,
      bytes: chance.integer(1, 1_000),
      ...(type === undefined ? {} : { type }),
      ...(chance.happens(0.15) ? { expirytime: new Date(expiresAt).toISOString() } : {}),
    };
    const entry = this.#mailbox.append((version) => deliverable(version, sketch));
    if (chance.happens(0.05)) this.#poisoned.add(entry.version);
    this.#checker.accepted(entry);
    this.#session?.published(entry);
  }

  /** Somebody throws away all that is pending, or all of one resource. */
  #purge(): void {
    const chance = this.#chance;
    const resource = `r${chance.integer(1, this.#resources)}_1`;
    const isAll = chance.happens(0.3);
    const gone = this.#mailbox.purge(({ event }) => isAll || event.resourceid === resource);
    for (const { version } of gone) this.#checker.purged(version);
    this.#session?.purged(gone);
  }

  #connect(): void {
    const connection = new SimulatedConnection(this.#time, this.#chance);
    this.#connection = connection;
    const session = new SenderSession(this.#senderParts, connection, {
      event: (entry) => this.#receiver.receive(entry),
      settled: (version) => this.#receiver.settled(version),
    });
    this.#session = session;
    this.#receiver.attach({
      ack: (key) => connection.toSender(() => session.ack(key)),
      nack: (nack) => connection.toSender(() => session.nack(nack)),
    });
  }

  // The sender may take long to notice, and sends into the void meanwhile.
  #cut(): void {
    const noticedAfterMs = this.#chance.happens(0.3) ? this.#chance.between(1_000, 15_000) : 0;
    this.#connection?.cut();
    const session = this.#session;
    this.#time.after(noticedAfterMs, () => {
      if (this.#session === session) this.#reconnect();
    });
  }

  #crashSender(): void {
    this.#connection?.cut();
    this.#mailbox.crash();
    this.#reconnect();
  }

  #crashReceiver(): void {
    this.#connection?.cut();
    this.#receiver.crash();
    this.#reconnect();
  }

  #reconnect(): void {
    this.#session?.end();
    this.#session = undefined;
    const lost = this.#connection;
    this.#time.after(this.#chance.between(10, 2_000), () => {
      if (this.#connection === lost) this.#connect();
    });
  }
}
