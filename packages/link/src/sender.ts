import { EventWriter, type Deliverable } from "@hawser/delivery";
import {
  HawserError,
  OUTPUT_REQUEST_TYPE,
  sendProblem,
  type EventKey,
  type HawserEvent,
  type Nack,
} from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import type { MailboxLease } from "@hawser/store";
import { MailboxReader } from "./mailbox-reader.js";
import type { OutgoingShare } from "./outgoing-turns.js";
import type { SenderHost, SenderOptions } from "./sender-options.js";

/**
 * The sending half of a session: a `MailboxReader` feeds the `EventWriter`, which decides what to
 * send when; answers go to the mailbox lease.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #host: SenderHost;
  readonly #writer: EventWriter;
  /** Brings the entries of the mailbox; the lease feeds it. */
  readonly reader: MailboxReader;
  readonly #share: OutgoingShare;
  /** Absent before the start. */
  #lease: MailboxLease | undefined;
  #stopped = false;

  constructor(options: SenderOptions, host: SenderHost) {
    this.#options = options;
    this.#host = host;
    const { window, windowBytes, resend, runtime } = options;
    const { random } = runtime;
    this.#writer = new EventWriter({ window, windowBytes, random, ...defined({ resend }) });
    this.reader = new MailboxReader(this.#writer, options, host);
    this.#share = options.turns.newShare(() => host.ready());
  }

  get inFlight(): number {
    return this.#writer.inFlight;
  }

  /** Begins with the entries that came with the claim. */
  start(lease: MailboxLease): void {
    this.#lease = lease;
    this.#writer.sentBefore(lease.toldBefore);
    this.reader.start(lease);
  }

  // Nothing is sent before the start, so nothing is answered either.
  get #mailbox(): MailboxLease {
    if (this.#lease === undefined) throw new HawserError("internal", "sender used before it was started");
    return this.#lease;
  }

  /** Hands to `send` what may go now, until it answers false or others have their turn. */
  pump(send: (entry: Deliverable) => boolean): void {
    const { clock } = this.#options.runtime;
    const now = clock.now();
    const wall = clock.wallTime();
    this.reader.advance(now);
    this.#share.begin();
    while (this.#share.hasRoomFor(this.#writer.nextBytes(now) ?? 0)) {
      const next = this.#writer.take(now, wall);
      if (next === undefined) break;
      if (next.kind === "gaveWay") this.reader.letGoBehind(next.entry.event.resourceid);
      else if (next.kind === "expired") this.#expired(next.entry);
      else if (!this.#transmit(next.entry, next.attempt, send)) break;
    }
    this.reader.refill();
  }

  #expired({ event, version }: Deliverable): void {
    const what = `expired at ${event.expirytime ?? "an unknown time"} before it was applied`;
    this.#deadLetter(event, version, new HawserError("expired", what));
  }

  /** @returns whether the connection takes more */
  #transmit(entry: Deliverable, attempt: number, send: (entry: Deliverable) => boolean): boolean {
    const sent = this.#trySend(entry, send);
    if (sent === "given up") return true;
    this.#share.sent(entry.bytes);
    this.#options.observer?.sent?.(entry.event, attempt);
    return sent;
  }

  // An event that the receiver cannot read, or that no codec can write, would end every session. It
  // becomes a dead letter instead, and the next event of its resource goes.
  #trySend(entry: Deliverable, send: (entry: Deliverable) => boolean): boolean | "given up" {
    let problem = entry.checked === true ? undefined : sendProblem(entry.event, entry.bytes);
    try {
      if (problem === undefined) return send(entry);
    } catch (thrown) {
      if (!(thrown instanceof HawserError) || thrown.code !== "invalid_event") throw thrown;
      problem = thrown;
    }
    this.#giveUp(entry, problem);
    return "given up";
  }

  #giveUp({ event, version }: Deliverable, error: HawserError): void {
    const { resourceid, eventid } = event;
    const { code, message } = error;
    const refusal: Nack = { type: "nack", resourceid, eventid, retryable: false, code, message };
    const result = this.#writer.nack(refusal, this.#options.runtime.clock.now());
    if (result.kind === "deadLetter") this.#deadLetter(event, version, error);
  }

  /** @param recorded how many events the peer says it has recorded, in the ACK that this is of */
  ack(key: EventKey, recorded?: number): void {
    const result = this.#writer.ack(key, this.#options.runtime.clock.now());
    if (result.kind === "unknown") return;
    this.#mailbox.acknowledge(result.version, recorded);
    this.reader.letGoBehind(key.resourceid);
    const { version, rttMs } = result;
    this.#options.observer?.acked?.({ resourceid: key.resourceid, version, rttMs });
    this.#host.ready();
  }

  nack(nack: Nack): void {
    const result = this.#writer.nack(nack, this.#options.runtime.clock.now());
    if (result.kind === "unknown") return;
    this.reader.letGoBehind(nack.resourceid);
    this.#options.observer?.nacked?.(nack);
    if (result.kind === "deadLetter") {
      const { event, version } = result.entry;
      this.#deadLetter(event, version, new HawserError(nack.code, nack.message));
    }
    this.#host.ready();
  }

  /** Nothing new goes out; ACKs still count. */
  quiesce(): void {
    this.#writer.quiesce();
  }

  /** Monotonic milliseconds of the next thing to do; undefined: only an input brings one. */
  nextWakeAt(): number | undefined {
    if (this.#share.isWaiting) return undefined;
    const writerAt = this.#writer.nextWakeAt();
    const asideAt = this.reader.nextAt();
    if (writerAt === undefined || asideAt === undefined) return writerAt ?? asideAt;
    return Math.min(writerAt, asideAt);
  }

  stop(): void {
    this.#stopped = true;
    this.reader.stop();
  }

  // The resource waits until the dead letter is on disk, so that a crash loses no event.
  #deadLetter(event: HawserEvent, version: number, error: HawserError): void {
    if (event.type === OUTPUT_REQUEST_TYPE) {
      // Nobody would send it again, and nothing comes of it that could be missed.
      this.#mailbox.acknowledge(version);
      this.#writer.deadLetterWritten(version);
      return;
    }
    const reason = { code: error.code, message: error.message, at: this.#options.runtime.clock.wallTime() };
    const written = this.#mailbox.deadLetter(version, reason).then(
      (isMoved) => {
        // Only this call reports it, even if the session ended meanwhile.
        if (isMoved) this.#options.observer?.deadLettered?.(event, error.code, error.message);
        if (this.#stopped) return;
        this.#writer.deadLetterWritten(version);
        this.reader.letGoBehind(event.resourceid);
        this.#host.ready();
      },
      (thrown: unknown) => this.#host.fail(HawserError.from(thrown, "store_unavailable")),
    );
    written.catch((thrown: unknown) => this.#host.fail(HawserError.from(thrown)));
  }
}
