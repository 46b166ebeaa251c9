import { HawserError, type CloudEvent, type EventKey, type Hello, type Nack } from "@hawser/protocol";
import { guarded, WakeTimer, type Logger, type Runtime } from "@hawser/runtime";
import type {
  AgentSession,
  Established,
  FullBuffer,
  PrincipalSession,
  SessionEnd,
  SessionOutput,
} from "@hawser/session";
import type { Connection, ConnectionEnd } from "@hawser/transport";
import type { ReplySink } from "./event-answers.js";
import { Outbound } from "./outbound.js";

/**
 * The owner of a session: it takes what arrives. An error of one of its calls ends this session,
 * and no other.
 */
export interface SessionOwner {
  /** Anything arrived: a control message, or an event. */
  message(event: CloudEvent): void;
  /**
   * An event cannot be read, but can be answered. Where this is absent, it ends the connection.
   *
   * @param bytes of its frame
   */
  unreadable?(error: HawserError, bytes: number): void;
  /** The other end of the connection asks for a new one. */
  rotationRequested?(): void;
  /** Principals: who is this? The answer is `accept` or `refuse` of the session. */
  authenticate?(hello: Hello): Promise<void>;
  /** The session is open. */
  opened(session: Established): Promise<void>;
  /** Send no event from here on. */
  quiesce?(): void;
  /** Every event of the peer up to `version` is settled. */
  settled?(version: number): void;
  /** Every event of this side up to this version is settled: heartbeats say so. @default 0 */
  settledFloor?(): number;
  /** How many events of the peer are recorded: ACKs say so. @default ACKs do not */
  recorded?(): number | undefined;
  /**
   * Sends events while `outbound` is writable, at the end of a tick, behind control messages and
   * answers.
   *
   * @returns monotonic time of the next thing to send, if any
   */
  flush(): number | undefined;
  /** The last call, once. */
  ended(end: SessionEnd): Promise<void>;
}

/** What a session and its connection are driven with. */
export interface SessionDriverOptions<Session extends AgentSession | PrincipalSession> {
  readonly runtime: Runtime;
  readonly connection: Connection;
  readonly session: Session;
  /** The CloudEvents `source` of control messages. */
  readonly source: string;
}

/**
 * Carries out what one session decides, on one connection. It knows nothing of mailboxes.
 *
 * Nothing here polls. Inputs (a frame, a live entry, a finished handler, a timer) ask for one flush
 * at the end of the tick. The flush sends answers first, then events while the connection takes
 * them, and then sets one timer for the earliest thing due.
 */
export class SessionDriver<Session extends AgentSession | PrincipalSession> implements ReplySink {
  readonly session: Session;
  readonly connection: Connection;
  /** What the links of this package write to. @internal */
  readonly outbound: Outbound;
  readonly #owner: SessionOwner;
  readonly #runtime: Runtime;
  readonly #wake: WakeTimer;
  readonly #flushSoon = (): void => {
    this.#isFlushScheduled = false;
    this.#guarded(() => this.#flush());
  };
  #logger: Logger;
  #isFlushScheduled = false;
  #hasEnded = false;

  constructor(options: SessionDriverOptions<Session>, owner: SessionOwner) {
    const { runtime, connection, session, source } = options;
    this.session = session;
    this.connection = connection;
    this.#owner = owner;
    this.#runtime = runtime;
    this.outbound = new Outbound(connection, source, () => owner.recorded?.());
    this.#wake = new WakeTimer(runtime, () => this.#guarded(() => this.#woken()));
    this.#logger = runtime.logger.child({ transport: connection.transport });
  }

  /** Names the session as soon as it has one. */
  get logger(): Logger {
    return this.#logger;
  }

  /** Begins to read and write. `settled`: the known floor of the own mailbox, or 0. */
  start(settled = 0): void {
    guarded(
      () => this.#open(),
      (thrown) => this.#neverOpened(HawserError.from(thrown)),
    );
    this.perform(this.session.start(this.#now(), settled));
  }

  #open(): void {
    const owner = this.#owner;
    const unreadable = owner.unreadable?.bind(owner);
    this.connection.open({
      message: (event) => this.#guarded(() => this.#message(event)),
      ...(unreadable === undefined
        ? {}
        : {
            unreadable: (error, bytes) => {
              this.#heard();
              this.#guarded(() => unreadable(error, bytes));
            },
          }),
      writable: () => {
        this.outbound.opened();
        this.scheduleFlush();
      },
      retiring: () => this.#guarded(() => owner.rotationRequested?.()),
      ended: (end) => this.#guarded(() => this.#transportEnded(end)),
    });
  }

  #message(event: CloudEvent): void {
    this.#heard();
    this.#owner.message(event);
  }

  #heard(): void {
    this.session.heard(this.#now());
  }

  #transportEnded(end: ConnectionEnd): void {
    this.#performAll(this.session.transportEnded(end, this.#now()));
  }

  // A connection that could not be opened does not report its end.
  #neverOpened(error: HawserError): void {
    this.#cut(error);
    this.perform(this.session.transportEnded({ kind: "lost", error }, this.#now()));
  }

  /** Carries out what the session decided. What it throws ends the session. */
  perform(outputs: readonly SessionOutput[]): void {
    this.#guarded(() => this.#performAll(outputs));
  }

  #performAll(outputs: readonly SessionOutput[]): void {
    for (const output of outputs) this.#perform(output);
    this.scheduleFlush();
  }

  #perform(output: SessionOutput): void {
    switch (output.kind) {
      case "send":
        this.outbound.control(output.message);
        return;
      case "authenticate":
        this.#orFail(this.#owner.authenticate?.(output.hello));
        return;
      case "opened": {
        const { agent, sessionId, epoch } = output.peer;
        this.#logger = this.#logger.child({ agent, session_id: sessionId, epoch });
        this.#orFail(this.#owner.opened(output.peer));
        return;
      }
      case "quiesce":
        this.#owner.quiesce?.();
        return;
      case "settled":
        this.#owner.settled?.(output.version);
        return;
      case "close":
        this.outbound.flushReplies();
        this.connection.close(output.code, output.reason);
        return;
      case "terminate":
        this.connection.terminate(output.error);
        return;
      case "ended":
        this.#ended(output.end);
        return;
    }
  }

  #orFail(step: Promise<void> | undefined): void {
    step?.catch((thrown: unknown) => this.fail(HawserError.from(thrown)));
  }

  #ended(end: SessionEnd): void {
    this.#hasEnded = true;
    this.#wake.cancel();
    this.#owner.ended(end).catch((thrown: unknown) => {
      this.complain(thrown, "the owner of a session threw as it ended");
    });
  }

  /** Closes with the code that fits the error; cuts the connection where even that throws. */
  fail(error: HawserError): void {
    guarded(
      () => this.#performAll(this.session.fail(error, this.#now())),
      () => this.#cut(error),
    );
  }

  // An error in a timer or an event would end the process, and so all other sessions.
  #guarded(step: () => void): void {
    guarded(step, (thrown) => this.#failOrCut(HawserError.from(thrown)));
  }

  #failOrCut(error: HawserError): void {
    guarded(
      () => {
        const outputs = this.session.fail(error, this.#now());
        if (outputs.length > 0) this.#performAll(outputs);
        // The session is ending already: cut the connection.
        else this.#cut(error);
      },
      () => this.#cut(error),
    );
  }

  #cut(error: HawserError): void {
    guarded(
      () => this.connection.terminate(error),
      (thrown) => this.complain(thrown, "a connection threw as it was cut"),
    );
  }

  /** Logs an error after which nothing can be ended. Does not throw, even where the logger does. */
  complain(thrown: unknown, what: string): void {
    guarded(
      () => this.#logger.error({ err: thrown }, what),
      () => {},
    );
  }

  /** Queues an ACK for the end of the tick. */
  ack(key: EventKey): void {
    this.outbound.ack(key);
    this.scheduleFlush();
  }

  /** Queues a NACK for the end of the tick. */
  nack(nack: Omit<Nack, "type">): void {
    this.outbound.nack(nack);
    this.scheduleFlush();
  }

  /** Asks for a flush at the end of the tick. */
  scheduleFlush(): void {
    if (this.#isFlushScheduled || this.#hasEnded) return;
    this.#isFlushScheduled = true;
    this.#runtime.timers.soon(this.#flushSoon);
  }

  #flush(): void {
    if (this.#hasEnded) return;
    this.#noteSending();
    this.outbound.flushReplies();
    const dueAtMs = this.#owner.flush();
    this.#noteSending();
    this.#wake.arm(this.session.nextWakeAt(), dueAtMs);
  }

  #noteSending(): void {
    this.session.sending(this.outbound.writable ? undefined : fullBuffer(this.connection), this.#now());
  }

  #woken(): void {
    if (this.#hasEnded) return;
    this.#noteSending();
    this.session.received(this.connection.receivedBytes, this.#now());
    const dueAtMs = this.session.nextWakeAt();
    if (dueAtMs !== undefined && dueAtMs <= this.#now())
      this.#performAll(this.session.wake(this.#now(), this.#owner.settledFloor?.() ?? 0));
    this.#flush();
  }

  #now(): number {
    return this.#runtime.clock.now();
  }
}

function fullBuffer({ bufferedBytes, sentBytes }: Connection): FullBuffer {
  return { bufferedBytes, sentBytes };
}
