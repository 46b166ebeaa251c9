import {
  CLOSE_CODES,
  type CloseCode,
  closeCodeFor,
  type CloudEvent,
  HawserError,
  LIMITS,
  nackKey,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import { answeredEnd, brokenEnd, type Close, type ConnectionState } from "./close-outcome.js";
import { cutCloseReason } from "./close-reason.js";
import type {
  BufferLimits,
  Connection,
  ConnectionEnd,
  ConnectionHandlers,
  SendResult,
} from "./connection.js";
import { type Arrival, HeldArrivals } from "./held-arrivals.js";

/** What every connection is made of, whatever carries it. */
export interface ConnectionParts {
  readonly peer: Connection["peer"];
  readonly limits: BufferLimits;
  /** Largest message it takes. */
  readonly maxFrameBytes: number;
  /** It takes only messages of `LIMITS.maxHelloBytes` until its peer is trusted. */
  readonly accepted: boolean;
  readonly runtime: Pick<Runtime, "timers" | "logger">;
}

/**
 * What the connections of all transports have in common: when the owner's handlers are called,
 * what `send` answers, and how the connection ends. A transport extends it with its framing and
 * its socket: it implements the abstract members, and tells of what happens by `received`,
 * `unreadable`, `closeReceived`, `drained`, `fail` and `endBroken`.
 */
export abstract class ConnectionCore implements Connection {
  abstract readonly transport: Connection["transport"];
  readonly peer: Connection["peer"];
  /** Largest message taken now. */
  protected maxMessageBytes: number;
  /** The close the peer has said, once it has been heard. */
  protected peerClose: Close | undefined;
  readonly #limits: BufferLimits;
  readonly #maxFrameBytes: number;
  readonly #runtime: ConnectionParts["runtime"];
  #handlers: ConnectionHandlers | undefined;
  #state: ConnectionState = { name: "open" };
  #isBlocked = false;
  #isPaused = false;
  #isRetiring = false;
  readonly #held = new HeldArrivals();
  #unheardEnd: ConnectionEnd | undefined;

  constructor({ peer, limits, maxFrameBytes, accepted, runtime }: ConnectionParts) {
    this.peer = peer;
    this.#limits = limits;
    this.#maxFrameBytes = maxFrameBytes;
    this.maxMessageBytes = accepted ? Math.min(LIMITS.maxHelloBytes, maxFrameBytes) : maxFrameBytes;
    this.#runtime = runtime;
  }

  get bufferedBytes(): number {
    return this.#state.name === "ended" ? 0 : this.waitingBytes;
  }

  open(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined)
      throw new HawserError("invalid_state", "A connection is opened once, and this one has been.");
    this.#handlers = handlers;
    const isRetiring = this.#isRetiring;
    if (this.hasEnded || !this.#held.isEmpty || this.#isBlocked || isRetiring)
      this.#runtime.timers.soon(() => this.guarded(() => this.#catchUp(isRetiring)));
    if (!this.hasEnded) this.begin();
  }

  trust(): void {
    this.maxMessageBytes = this.#maxFrameBytes;
  }

  send(event: CloudEvent, json?: string): SendResult {
    if (this.#state.name !== "open") return "closed";
    const buffered = this.write(event, json);
    const { highWaterBytes, hardLimitBytes } = this.#limits;
    if (buffered <= highWaterBytes) return "queued";
    this.#isBlocked = true;
    if (buffered <= hardLimitBytes) return "full";
    this.terminate(new HawserError("slow_consumer", `The peer left ${buffered} bytes unread.`));
    return "closed";
  }

  pause(): void {
    if (this.#handlers === undefined || this.#state.name === "ended") return;
    this.#isPaused = true;
    this.holdBack();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.guarded(() => this.#deliverHeld());
    if (!this.#isPaused && !this.hasEnded) this.readOn();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state.name !== "open") return;
    const close = { code, reason: cutCloseReason(reason) };
    this.#state = { name: "closing", close };
    this.sayClose(close);
  }

  terminate(error: HawserError): void {
    this.end({ kind: "lost", error });
  }

  /** Bytes accepted by `write` that have not left the process. */
  protected abstract get waitingBytes(): number;

  /** Queues one event. Answers the bytes that wait now; below the high-water mark more will do. */
  protected abstract write(event: CloudEvent, json: string | undefined): number;

  /** Reads what the peer sends: from `open` on, and after a pause. */
  protected abstract readOn(): void;

  /** Stops reading. `received` holds what was read before. */
  protected abstract holdBack(): void;

  /** Tells the peer of the close, behind everything sent so far. */
  protected abstract sayClose(close: Close): void;

  /** The connection has ended: lets go of what carries it. A lost one is cut. */
  protected abstract release(end: ConnectionEnd): void;

  /** The owner has opened it. It must not call `received` before it has returned. */
  protected begin(): void {
    this.readOn();
  }

  /** The peer has closed, behind all that it sent. The answer that is owed to it goes out here. */
  protected peerClosed(close: Close): void {
    this.endAnswered(close);
  }

  /** Calls `ended`, as soon as there is an owner to hear it. */
  protected tellEnd(end: ConnectionEnd): void {
    const handlers = this.#handlers;
    if (handlers === undefined) this.#unheardEnd = end;
    else this.guarded(() => handlers.ended(end));
  }

  /** What is thrown in an event, a timer or a handler of this connection ends it, and no other. */
  protected faulted(thrown: unknown): void {
    if (this.#state.name !== "ended") return this.terminate(HawserError.from(thrown));
    this.#runtime.logger.error({ err: thrown, transport: this.transport }, "what follows the end threw");
  }

  protected get isOpen(): boolean {
    return this.#state.name === "open";
  }

  protected get hasEnded(): boolean {
    return this.#state.name === "ended";
  }

  /** Nothing that is read now would be delivered at once. */
  protected get isHeldBack(): boolean {
    return this.#handlers === undefined || this.#isPaused;
  }

  /** The close this side has said; undefined while it has not, and after the end. */
  protected get ownClose(): Close | undefined {
    return this.#state.name === "closing" ? this.#state.close : undefined;
  }

  protected guarded(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.faulted(thrown);
    }
  }

  /** Whether a message is small enough. One that is not fails the connection. */
  protected admits(bytes: number): boolean {
    const most = this.maxMessageBytes;
    if (bytes <= most) return true;
    this.fail(CLOSE_CODES.frameTooLarge, `A message of ${bytes} bytes is above the limit of ${most}.`);
    return false;
  }

  /** An event has come. */
  protected received(event: CloudEvent): void {
    if (!this.takesEvents) return;
    const handlers = this.#handlers;
    if (handlers === undefined || this.#isPaused || !this.#held.isEmpty)
      this.#held.push({ kind: "event", event });
    else handlers.message(event);
  }

  /** What has come, in a frame or a message of so many bytes, cannot be read. */
  protected unreadable(error: HawserError, bytes: number): void {
    this.#inOrder({ kind: "unreadable", error, bytes });
  }

  /** The peer's close has come, behind what came before. */
  protected closeReceived(close: Close): void {
    this.#inOrder({ kind: "close", close });
  }

  /** Whether an event that comes now counts. */
  protected get takesEvents(): boolean {
    const { name } = this.#state;
    return (name === "open" || name === "closing") && this.peerClose === undefined;
  }

  /** Bytes have left; the only news is when that made enough room. */
  protected drained(): void {
    if (!this.#isBlocked || !this.isOpen || this.#handlers === undefined) return;
    if (this.waitingBytes > this.#limits.lowWaterBytes) return;
    this.#isBlocked = false;
    this.#handlers.writable();
  }

  /** The other end wants this connection replaced. */
  protected retire(): void {
    if (this.#isRetiring || this.#state.name !== "open") return;
    this.#isRetiring = true;
    this.guarded(() => this.#handlers?.retiring?.());
  }

  /** The peer sent what it must not: it is told, unless this side has closed already. */
  protected fail(code: number, reason: string): void {
    const { name } = this.#state;
    if (name === "failing" || name === "ended") return;
    const close = { code, reason: cutCloseReason(reason) };
    this.#state = { name: "failing", close };
    if (name === "open") this.sayClose(close);
  }

  /** The close handshake is complete. */
  protected endAnswered(peers: Close): void {
    this.end(answeredEnd(this.#state, peers));
  }

  /** The bytes stopped without a close of the peer. */
  protected endBroken(error: HawserError): void {
    // Nobody waits for the end yet, so what came before it is still worth telling.
    if (this.#handlers === undefined && !this.#held.isEmpty) this.#held.push({ kind: "broken", error });
    else this.end(brokenEnd(this.#state, error));
  }

  protected end(end: ConnectionEnd): void {
    if (this.#state.name === "ended") return;
    this.#state = { name: "ended" };
    this.#held.clear();
    this.guarded(() => this.release(end));
    this.tellEnd(end);
  }

  /** Tells the owner what happened before it opened the connection. */
  #catchUp(isRetiring: boolean): void {
    if (this.#unheardEnd !== undefined) return this.tellEnd(this.#unheardEnd);
    if (isRetiring && this.isOpen) this.guarded(() => this.#handlers?.retiring?.());
    this.#deliverHeld();
    this.drained();
  }

  #inOrder(arrival: Arrival): void {
    if (this.takesEvents && (this.isHeldBack || !this.#held.isEmpty)) this.#held.push(arrival);
    else this.#deliver(arrival);
  }

  /** Each may pause the connection again, resume it from within, or end it. */
  #deliverHeld(): void {
    while (!this.#isPaused) {
      const arrival = this.#held.take();
      if (arrival === undefined) return;
      this.#deliver(arrival);
    }
  }

  #deliver(arrival: Arrival): void {
    if (arrival.kind === "close") {
      if (this.hasEnded || this.peerClose !== undefined) return;
      this.peerClose = arrival.close;
      this.peerClosed(arrival.close);
    } else if (arrival.kind === "broken") this.endBroken(arrival.error);
    else if (!this.takesEvents) return;
    else if (arrival.kind === "event") this.#handlers?.message(arrival.event);
    else this.#tellUnreadable(arrival.error, arrival.bytes);
  }

  #tellUnreadable(error: HawserError, bytes: number): void {
    const handlers = this.#handlers;
    if (handlers?.unreadable !== undefined && nackKey(error) !== undefined) handlers.unreadable(error, bytes);
    else this.fail(closeCodeFor(error.code), error.message);
  }
}
