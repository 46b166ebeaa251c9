import {
  CONTROL_TYPE_PREFIX,
  DEFAULT_WINDOW_BYTES,
  HawserError,
  LIMITS,
  parseMessage,
  sizeOf,
  type Ack,
  type CloudEvent,
  type Nack,
  type ValueSize,
} from "@hawser/protocol";
import { guarded, WakeTimer, type Logger, type Runtime } from "@hawser/runtime";
import type { Established, FullBuffer, SessionEnd, SessionOutput } from "@hawser/session";
import type { Connection } from "@hawser/transport";
import { Handshake, type AttachedPeer } from "./handshake.js";
import type { LinkOptions, LinkPeer } from "./link-options.js";
import type { LinkSession } from "./link-session.js";
import { Outlet } from "./outlet.js";
import type { Sender, SenderTurn } from "./sender.js";

/** How far beyond its announced window a peer may be before it is cut off: handlers of the session before may still be running. */
const WINDOW_TOLERANCE = 2;

type LinkState =
  /** Handshake, or preparing the store for the peer. Events that arrive are kept; the window bounds them. */
  { readonly name: "establishing" } | ({ readonly name: "open" } & AttachedPeer) | { readonly name: "ended" };

/**
 * Binds one connection, one session, one mailbox lease and one receiver: the only loop that moves events.
 *
 * Nothing here polls. Inputs (a frame, a live entry, a finished handler, a timer) ask for one flush at the end of the tick; the flush sends control first,
 * then data while the connection takes it, then sets one timer for the earliest thing due.
 */
export class Link<Session extends LinkSession> {
  readonly session: Session;
  readonly #options: LinkOptions<Session>;
  readonly #connection: Connection;
  readonly #runtime: Runtime;
  readonly #outlet: Outlet;
  readonly #wake: WakeTimer;
  #logger: Logger;
  readonly #handshake: Handshake<Session>;
  #state: LinkState = { name: "establishing" };
  #flushScheduled = false;
  #quiesced = false;
  /** The connection is to be replaced, and nobody has been told. */
  #retiring = false;
  /** Principals: the store knows that the agent has begun this session. */
  #joined = false;
  #heardAtMs: number;
  #floor = 0;
  #unsettled = 0;
  /** Waits for the last answer after `quiesce`. */
  #onSettled: (() => void) | undefined;

  constructor(options: LinkOptions<Session>) {
    this.#options = options;
    this.session = options.session;
    this.#connection = options.connection;
    this.#runtime = options.runtime;
    this.#heardAtMs = this.#now();
    this.#outlet = new Outlet(options.connection, options.source, () => this.#recorded());
    this.#wake = new WakeTimer(options.runtime, () => this.#guarded(() => this.#woken()));
    this.#logger = options.runtime.logger.child({ transport: options.connection.transport });
    this.#handshake = new Handshake(options, {
      sink: this.#sink,
      perform: (outputs) => this.perform(outputs),
      fail: (error) => this.fail(error),
      ready: () => this.#scheduleFlush(),
      leaseLost: (why) => this.#leaseLost(why),
      attached: (attached, early) => this.#attached(attached, early),
    });
  }

  /** Begins to read and write. `settled` is the floor of this side's mailbox as last known (0 when it is not). */
  start(settled = 0): void {
    this.#floor = settled;
    guarded(
      () => this.#open(),
      (thrown) => this.#neverOpened(HawserError.from(thrown)),
    );
    this.perform(this.session.start(this.#now(), settled));
  }

  #open(): void {
    this.#connection.open({
      message: (event) => this.#guarded(() => this.#message(event)),
      unreadable: (error, bytes) => this.#guarded(() => this.#unreadable(error, bytes)),
      writable: () => {
        this.#outlet.opened();
        this.#scheduleFlush();
      },
      retiring: () => {
        this.#retiring = true;
        this.#guarded(() => this.#tellRetiring());
      },
      ended: (end) => this.#guarded(() => this.#performAll(this.session.transportEnded(end, this.#now()))),
    });
  }

  // It will not tell of its end, either.
  #neverOpened(error: HawserError): void {
    this.#cut(error);
    this.perform(this.session.transportEnded({ kind: "lost", error }, this.#now()));
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** When anything was heard from the peer last, in monotonic milliseconds: a peer that is gone without a word stays connected until the silence is too long, and this tells it before. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Events of ours the peer has been sent and has not answered. */
  get inFlight(): number {
    return this.#state.name === "open" ? this.#state.sender.inFlight : 0;
  }

  /** What the next event of ours about a resource waits for; undefined where this link knows of none. */
  turnOf(resourceid: string): SenderTurn | undefined {
    return this.#state.name === "open" ? this.#state.sender.turnOf(resourceid) : undefined;
  }

  /** Events of ours that this link had taken up and that were not acknowledged: when it has ended, what will be sent again. */
  get unsettled(): number {
    return this.#state.name === "open" ? this.#state.sender.inFlight : this.#unsettled;
  }

  /** Version up to which everything of ours is settled: what heartbeats say, and what the next session's hello begins with. */
  get settledFloor(): number {
    if (this.#state.name === "open") this.#floor = this.#state.sender.settledFloor;
    return this.#floor;
  }

  /** Carries out what the session decided; also the way for an owner to pass on what it asked its session. What it throws ends the session. */
  perform(outputs: readonly SessionOutput[]): void {
    this.#guarded(() => this.#performAll(outputs));
  }

  #performAll(outputs: readonly SessionOutput[]): void {
    for (const output of outputs) this.#perform(output);
    this.#scheduleFlush();
  }

  /** Sends nothing new from here on. `settled` is called once: when nothing of ours is in flight any more, or the link has ended. */
  quiesce(settled: () => void): void {
    this.#perform({ kind: "quiesce" });
    this.#onSettled = settled;
    this.#scheduleFlush();
  }

  /** Closes with the code that fits the error; cuts the connection where even that throws. */
  fail(error: HawserError): void {
    guarded(
      () => this.#performAll(this.session.fail(error, this.#now())),
      () => this.#cut(error),
    );
  }

  #cut(error: HawserError): void {
    guarded(
      () => this.#connection.terminate(error),
      (thrown) => this.#complain(thrown, "a connection threw as it was cut"),
    );
  }

  // The last resort must not throw, and a logger may be what throws.
  #complain(thrown: unknown, what: string): void {
    guarded(
      () => this.#logger.error({ err: thrown }, what),
      () => {},
    );
  }

  #now(): number {
    return this.#runtime.clock.now();
  }

  #perform(output: SessionOutput): void {
    switch (output.kind) {
      case "send":
        this.#outlet.control(output.message);
        return;
      case "authenticate":
        this.#handshake.answer(output.hello).catch((thrown: unknown) => this.fail(HawserError.from(thrown)));
        return;
      case "opened":
        this.#opened(output.peer).catch((thrown: unknown) => this.fail(HawserError.from(thrown)));
        return;
      case "quiesce":
        this.#quiesced = true;
        if (this.#state.name === "open") this.#state.sender.quiesce();
        return;
      case "settled":
        if (this.#state.name === "open") this.#state.peer.receiver.settle(output.version);
        return;
      case "close":
        this.#outlet.flushReplies();
        this.#connection.close(output.code, output.reason);
        return;
      case "terminate":
        this.#connection.terminate(output.error);
        return;
      case "ended":
        this.#ended(output.end).catch((thrown: unknown) => {
          this.#complain(thrown, "the owner of a session threw as it ended");
        });
        return;
    }
  }

  async #opened(session: Established): Promise<void> {
    this.#logger = this.#logger.child({
      agent: session.agent,
      session_id: session.sessionId,
      epoch: session.epoch,
    });
    if (this.#state.name === "establishing" && this.#options.peer !== undefined) {
      // What the hello said may have been true for a store the peer has lost since: until the mailbox is open, nothing is known.
      this.#floor = 0;
      await this.#handshake.complete(session);
    }
    if (this.#state.name !== "open") return;
    this.#state.peer.receiver.settle(session.peerSettled);
    this.#state.peer.observer?.opened?.(session);
    this.#options.onOpened?.(session);
    this.#tellRetiring();
    this.#scheduleFlush();
  }

  #tellRetiring(): void {
    if (!this.#retiring || this.#state.name !== "open") return;
    this.#retiring = false;
    this.#options.onRetiring?.();
  }

  /** Takes in the events that came early. */
  #attached(attached: AttachedPeer, early: readonly (CloudEvent | HawserError)[]): void {
    this.#state = { name: "open", ...attached };
    if (this.#quiesced) attached.sender.quiesce();
    for (const event of early) this.#event(event, sizeOf(event));
  }

  #leaseLost(why: "superseded" | "resync"): void {
    const { door } = this.#options;
    if (why === "resync") {
      const what = "the store lost track of this mailbox; the session has to begin anew";
      this.fail(new HawserError("store_unavailable", what));
    } else if (door !== undefined) this.#performAll(door.superseded(this.session));
    else
      this.#connection.terminate(new HawserError("superseded", "a newer connection of this agent took over"));
  }

  readonly #sink = {
    ack: (key: { readonly resourceid: string; readonly eventid: string }): void => {
      this.#outlet.ack(key);
      this.#scheduleFlush();
    },
    nack: (nack: Parameters<Outlet["nack"]>[0]): void => {
      this.#outlet.nack(nack);
      this.#scheduleFlush();
    },
    failed: (error: HawserError): void => this.fail(error),
  };

  #message(event: CloudEvent): void {
    this.#heardAtMs = this.#now();
    this.session.heard(this.#heardAtMs);
    let size: ValueSize | undefined;
    try {
      if (event.type.startsWith(CONTROL_TYPE_PREFIX)) this.#control(event);
      else if (this.#state.name === "establishing") this.#early(event, (size = sizeOf(event)));
      else this.#event(event, (size = sizeOf(event)));
    } catch (thrown) {
      this.fail(HawserError.from(thrown));
    }
    const { onMessage } = this.#options;
    if (onMessage !== undefined) onMessage(event, (size ?? sizeOf(event)).bytes);
  }

  /** An event of the peer cannot be read: it is refused for good, as it would never be anything else. */
  #unreadable(error: HawserError, bytes: number): void {
    this.#heardAtMs = this.#now();
    this.session.heard(this.#heardAtMs);
    try {
      const size = { bytes, heapBytes: bytes };
      if (this.#state.name === "establishing") this.#early(error, size);
      else this.#event(error, size);
    } catch (thrown) {
      this.fail(HawserError.from(thrown));
    }
    this.#options.onUnreadable?.(bytes);
  }

  #control(event: CloudEvent): void {
    const parsed = parseMessage(event);
    if (parsed.kind !== "control")
      throw new HawserError("invalid_message", `${event.type} is not a control message`);
    const { message } = parsed;
    const outputs = this.session.receive(message, this.#now());
    if ((message.type !== "ack" && message.type !== "nack") || outputs.length > 0) this.#performAll(outputs);
    else this.#answered(message);
  }

  #answered(message: Ack | Nack): void {
    if (this.#state.name !== "open") return;
    const { sender } = this.#state;
    this.#noteJoined(this.#state);
    if (message.type === "nack") sender.nack(message);
    else {
      if (message.recorded !== undefined) sender.peerRecorded(message.recorded);
      for (const key of message.acks) sender.ack(key);
    }
    this.#scheduleFlush();
  }

  // An agent says events and answers only once its store knows of the session; a heartbeat it may say before.
  #noteJoined({ peer, lease }: AttachedPeer): void {
    if (this.#joined || this.#options.door === undefined) return;
    this.#joined = true;
    this.#options.store.inbox.joined(peer.name, lease.epoch);
  }

  #recorded(): number | undefined {
    return this.#state.name === "open"
      ? this.#options.store.inbox.recorded(this.#state.peer.name)
      : undefined;
  }

  // The agent may hear events right behind the welcome, while its own store is still being opened.
  #early(event: CloudEvent | HawserError, size: ValueSize): void {
    if (this.#state.name !== "establishing") return;
    this.#performAll(this.session.eventReceived(this.#now()));
    if (!this.session.mayReceiveEvents) return;
    this.#handshake.keep(event, size);
    this.#checkWindow(this.#handshake.earlyCount, this.#handshake.earlyBytes);
  }

  #event(event: CloudEvent | HawserError, size: ValueSize): void {
    if (this.#state.name !== "open") return;
    const { receiver } = this.#state.peer;
    this.#performAll(this.session.eventReceived(this.#now()));
    if (!this.session.mayReceiveEvents) return;
    let parsed: ReturnType<typeof parseMessage>;
    try {
      if (event instanceof HawserError) throw event;
      parsed = parseMessage(event);
    } catch (thrown) {
      this.#refuseEvent(HawserError.from(thrown));
      return;
    }
    if (parsed.kind !== "event") throw new HawserError("invalid_message", `${event.type} is not an event`);
    this.#noteJoined(this.#state);
    receiver.receive(parsed.event, parsed.version, size);
    this.#checkWindow(receiver.applying, receiver.applyingBytes);
  }

  // What can be named can be refused by itself; the session goes on. The rest is a broken peer.
  #refuseEvent(error: HawserError): void {
    const { resource_id: resourceid, event_id: eventid } = error;
    if (resourceid === undefined || eventid === undefined) throw error;
    this.#logger.warn(
      { resource_id: resourceid, event_id: eventid, code: error.code },
      `refused an event: ${error.message}`,
    );
    const retryable = error.code === "inbox_full";
    this.#sink.nack({ resourceid, eventid, retryable, code: error.code, message: error.message });
  }

  // An event that is larger than the window may come alone, and behind one that gave way to it.
  #checkWindow(events: number, bytes: number): void {
    const { window, windowBytes = DEFAULT_WINDOW_BYTES } = this.#options;
    const mostBytes = Math.max(windowBytes, LIMITS.maxFrameBytes) * WINDOW_TOLERANCE;
    if (events <= window * WINDOW_TOLERANCE && bytes <= mostBytes) return;
    const what = events > window * WINDOW_TOLERANCE ? `${window} events` : `${windowBytes} bytes of events`;
    throw new HawserError(
      "window_exceeded",
      `the peer sent more than ${what} without waiting for ACKs; it must keep to the announced window`,
    );
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#state.name === "ended") return;
    this.#flushScheduled = true;
    this.#runtime.timers.soon(() => {
      this.#flushScheduled = false;
      this.#guarded(() => this.#flush());
    });
  }

  // What throws in a timer or an event would end the process, and with it the session of everybody else.
  #guarded(step: () => void): void {
    guarded(step, (thrown) => {
      const error = HawserError.from(thrown);
      guarded(
        () => {
          const outputs = this.session.fail(error, this.#now());
          if (outputs.length > 0) this.#performAll(outputs);
          // It throws even while it ends: nothing is left but to cut it.
          else this.#cut(error);
        },
        () => this.#cut(error),
      );
    });
  }

  #flush(): void {
    if (this.#state.name === "ended") return;
    this.#noteSending();
    this.#outlet.flushReplies();
    this.#sending()?.pump(this.#outlet.event);
    this.#noteSending();
    if (this.#quiesced && this.#state.name === "open") this.#quiet(this.#state);
    this.#wake.arm(this.session.nextWakeAt(), this.#sending()?.nextWakeAt());
  }

  #noteSending(): void {
    this.session.sending(this.#outlet.writable ? undefined : fullBuffer(this.#connection), this.#now());
  }

  // While the connection is full nothing of the writer's is due: `writable` flushes again. Nor is it when the session ends.
  #sending(): Sender | undefined {
    if (this.#state.name !== "open" || !this.#outlet.writable) return undefined;
    return this.session.maySendEvents ? this.#state.sender : undefined;
  }

  #quiet({ sender, peer }: AttachedPeer): void {
    if (sender.inFlight > 0) return;
    this.#tellSettled();
    if (peer.receiver.applying > 0) return;
    for (const output of this.session.idle(this.#now())) this.#perform(output);
  }

  #woken(): void {
    if (this.#state.name === "ended") return;
    this.#noteSending();
    this.session.received(this.#connection.receivedBytes, this.#now());
    const due = this.session.nextWakeAt();
    if (due !== undefined && due <= this.#now())
      this.#performAll(this.session.wake(this.#now(), this.settledFloor));
    this.#flush();
  }

  #tellSettled(): void {
    const settled = this.#onSettled;
    this.#onSettled = undefined;
    settled?.();
  }

  async #ended(end: SessionEnd): Promise<void> {
    const state = this.#state;
    this.#floor = this.settledFloor;
    this.#unsettled = this.unsettled;
    this.#state = { name: "ended" };
    this.#handshake.abandon();
    this.#wake.cancel();
    this.#tellSettled();
    if (state.name === "open") {
      state.sender.stop();
      state.peer.receiver.detach(this.#sink);
      this.#tellEnded(state.peer, end);
      await state.lease.close().catch((thrown: unknown) => {
        // Only lazily recorded ACKs are lost with it, which costs a resend.
        this.#complain(thrown, "the mailbox could not be closed cleanly");
      });
    }
    this.#options.onEnded(end);
  }

  // Whoever waits for the end, to connect again, hears of it all the same.
  #tellEnded({ observer }: LinkPeer, end: SessionEnd): void {
    guarded(
      () => observer?.ended?.(end),
      (thrown) => this.#complain(thrown, "an observer threw as a session ended"),
    );
  }
}

function fullBuffer({ bufferedBytes, sentBytes }: Connection): FullBuffer {
  return { bufferedBytes, sentBytes };
}
