import { HawserError } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { AgentSession } from "../agent-session.js";
import type { PrincipalSession } from "../principal-session.js";
import type { SessionEnd, TransportEnd } from "../session-end.js";
import type { SessionOutput } from "../session-output.js";
import type { Agenda } from "./agenda.js";
import type { Frame, StreamEnd } from "./simulated-stream.js";

/** What the world around a session decides or wants to know. */
export interface DriverCallbacks {
  authenticate(): void;
  opened(): void;
  ended(end: SessionEnd): void;
}

const WINDOW = 4;
const MAX_PAUSE_MS = 4_000;
const MAX_WORK_MS = 800;

/**
 * Does for a session what a link does: keeps its timer, carries out what it decides, sends events while it may, applies and ACKs what comes. And it
 * checks on the way that the session never asks for what it must not.
 */
export class SessionDriver<Session extends AgentSession | PrincipalSession> {
  readonly session: Session;
  readonly stream: StreamEnd;
  readonly inFlight = new Set<number>();
  /** What was put out, for a failing seed. */
  readonly history: { readonly atMs: number; readonly output: SessionOutput }[] = [];
  end: SessionEnd | undefined;
  handling = 0;
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #callbacks: DriverCallbacks;
  #opened = false;
  #quiesced = false;
  #closed = false;
  #nextId = 1;
  #timerAtMs: number | undefined;

  constructor(
    session: Session,
    stream: StreamEnd,
    agenda: Agenda,
    random: Random,
    callbacks: DriverCallbacks,
  ) {
    this.session = session;
    this.stream = stream;
    this.#agenda = agenda;
    this.#random = random;
    this.#callbacks = callbacks;
  }

  /** `call` is made on the session with the present time; what it puts out is carried out. */
  drive(call: (session: Session, nowMs: number) => readonly SessionOutput[]): void {
    for (const output of call(this.session, this.#agenda.nowMs)) this.#perform(output);
    this.#tellIdle();
    this.#setTimer();
  }

  frame(frame: Frame): void {
    this.session.heard(this.#agenda.nowMs);
    switch (frame.kind) {
      case "control":
        this.drive((session, nowMs) => session.receive(frame.message, nowMs));
        return;
      case "ack":
        this.inFlight.delete(frame.id);
        this.drive(() => []);
        return;
      case "event":
        this.drive((session, nowMs) => session.eventReceived(nowMs));
        if (this.session.mayReceiveEvents) this.#handle(frame.id);
        return;
    }
  }

  transportEnded(end: TransportEnd): void {
    this.drive((session, nowMs) => session.transportEnded(end, nowMs));
  }

  #handle(id: number): void {
    this.handling += 1;
    this.#agenda.after(this.#random.next() * MAX_WORK_MS, () => {
      this.handling -= 1;
      if (!this.#closed && !this.stream.over) this.stream.send({ kind: "ack", id });
      this.drive(() => []);
    });
  }

  #perform(output: SessionOutput): void {
    this.history.push({ atMs: this.#agenda.nowMs, output });
    if (this.end !== undefined) throw new Error(`${output.kind} after ended`);
    switch (output.kind) {
      case "send":
        this.#checkSend(output.message.type);
        this.stream.send({ kind: "control", message: output.message });
        return;
      case "authenticate":
        this.#callbacks.authenticate();
        return;
      case "opened":
        if (this.#opened) throw new Error("opened twice");
        this.#opened = true;
        this.#callbacks.opened();
        this.#pauseThenSend();
        return;
      case "quiesce":
        if (this.#quiesced) throw new Error("quiesce twice");
        this.#quiesced = true;
        return;
      case "settled":
        if (!this.#opened) throw new Error("settled before opened");
        return;
      case "close":
        if (this.#closed) throw new Error("close twice");
        this.#closed = true;
        this.stream.close(output.code, output.reason);
        return;
      case "terminate":
        this.#closed = true;
        this.stream.terminate(output.error);
        return;
      case "ended":
        this.end = output.end;
        this.#callbacks.ended(output.end);
        return;
    }
  }

  #checkSend(type: string): void {
    if (this.#closed) throw new Error(`${type} is to be sent after the close`);
    const last = type === "goodbye" || type === "goodbye_ack";
    if (last && !this.#quiesced) throw new Error(`${type} is to be sent while events still flow`);
    if (last && this.session.maySendEvents) throw new Error(`events may be sent after ${type}`);
  }

  #pauseThenSend(): void {
    this.#agenda.after(this.#random.next() * MAX_PAUSE_MS, () => {
      const may = this.session.maySendEvents;
      if (may && (this.#quiesced || this.#closed))
        throw new Error("events may be sent after quiesce or close");
      if (may && this.inFlight.size < WINDOW) {
        this.inFlight.add(this.#nextId);
        this.stream.send({ kind: "event", id: this.#nextId });
        this.#nextId += 1;
      }
      if (this.end === undefined && !this.#quiesced) this.#pauseThenSend();
    });
  }

  #tellIdle(): void {
    if (!this.#quiesced || this.inFlight.size > 0 || this.handling > 0 || this.end !== undefined) return;
    // When to close is the agent's decision.
    if (!(this.session instanceof AgentSession)) return;
    for (const output of this.session.idle(this.#agenda.nowMs)) this.#perform(output);
  }

  #setTimer(): void {
    const atMs = this.session.nextWakeAt();
    if (atMs === undefined || (this.#timerAtMs !== undefined && this.#timerAtMs <= atMs)) return;
    this.#timerAtMs = atMs;
    this.#agenda.after(atMs - this.#agenda.nowMs, () => {
      if (this.#timerAtMs !== atMs) return;
      this.#timerAtMs = undefined;
      this.drive((session, nowMs) => session.wake(nowMs, 0));
    });
  }

  /** A handler, or a store, threw. */
  fail(): void {
    this.drive((session, nowMs) => session.fail(new HawserError("handler_failed", "boom"), nowMs));
  }
}
