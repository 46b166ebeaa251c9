import {
  CLOSE_CODES,
  HawserError,
  type ControlMessage,
  type Drain,
  type Goodbye,
  type Refuse,
  type Welcome,
} from "@hawser/protocol";
import type { AgentSessionOptions, AgentSessionState } from "./agent-session-state.js";
import { establishedAgent, helloOf } from "./handshake.js";
import { agentLiveness, Liveness } from "./liveness.js";
import { drawRotation } from "./connection-age.js";
import type { EndCause } from "./session-end.js";
import { SessionMachine, type EndingState } from "./session-machine.js";
import type { SessionOutput } from "./session-output.js";
import { resolveSessionTiming, type SessionTiming } from "./session-timing.js";

type ActiveState = Exclude<AgentSessionState, EndingState>;

/**
 * The agent's half of one connection (PROTOCOL.md, Session). Calls go in with the time, outputs
 * come out; the caller carries them out in order.
 *
 * @throws HawserError `invalid_config` for impossible timing
 */
export class AgentSession extends SessionMachine {
  readonly #options: AgentSessionOptions;
  readonly #timing: SessionTiming;
  #active: ActiveState = { kind: "new" };

  constructor(options: AgentSessionOptions) {
    const timing = resolveSessionTiming(options.timing);
    super(timing.closeGraceMs);
    this.#options = options;
    this.#timing = timing;
  }

  get state(): AgentSessionState {
    return this.ending ?? this.#active;
  }

  /** Whether an event may be sent now. */
  get maySendEvents(): boolean {
    return this.state.kind === "open";
  }

  get mayReceiveEvents(): boolean {
    const { kind } = this.state;
    return kind === "open" || kind === "leaving";
  }

  /** The connection is up. `settled` is the floor of this side's mailbox. */
  start(nowMs: number, settled: number): SessionOutput[] {
    if (this.state.kind !== "new") return [];
    this.#active = { kind: "greeting", deadlineMs: nowMs + this.#timing.handshakeTimeoutMs };
    return [{ kind: "send", message: helloOf(this.#options, settled) }];
  }

  /** A control message arrived. ACKs and NACKs are only checked against the state here. */
  receive(message: ControlMessage, nowMs: number): SessionOutput[] {
    if (this.ending !== undefined) return this.#receiveWhileEnding(message, nowMs);
    const state = this.#active;
    switch (state.kind) {
      case "greeting":
        if (message.type === "welcome") return this.#welcomed(message, nowMs);
        if (message.type === "refuse") return this.#refused(message, nowMs);
        return this.illegal(message, nowMs);
      case "open":
        if (message.type === "drain") return this.#drained(message, nowMs);
        return this.receiveWhileOpen(message, nowMs);
      case "leaving":
        if (message.type === "goodbye_ack") return this.#goodbyeAcked(state.cause, nowMs);
        return this.#receiveWhileLeaving(message, nowMs);
      case "finishing":
        return this.#receiveWhileLeaving(message, nowMs);
      case "new":
      case "refused":
        return this.illegal(message, nowMs);
    }
  }

  /**
   * Nothing is in flight and no handler runs. Call it after `quiesce` whenever that is so: a call
   * before the goodbye_ack has no effect, because an event may still overtake it.
   */
  idle(nowMs: number): SessionOutput[] {
    const { state } = this;
    return state.kind === "finishing" ? this.#finished(state.cause, nowMs) : [];
  }

  /** Rotates now, as the other end or a proxy asks; the loss of this connection is no failure. */
  rotateOnRequest(nowMs: number): SessionOutput[] {
    this.isRotationRequested = true;
    return this.goodbye("rotation", nowMs);
  }

  /** Leaves: by goodbye and goodbye_ack where the session is open, otherwise at once. */
  goodbye(reason: Goodbye["reason"], nowMs: number): SessionOutput[] {
    if (this.ending !== undefined) return [];
    switch (this.#active.kind) {
      case "new":
      case "greeting":
        return this.#finished({ kind: "goodbye", reason }, nowMs);
      case "open": {
        const deadlineMs = nowMs + this.#timing.closeGraceMs;
        this.#active = { kind: "leaving", cause: { kind: "goodbye", reason }, deadlineMs };
        return [{ kind: "quiesce" }, { kind: "send", message: { type: "goodbye", reason } }];
      }
      case "refused":
      case "leaving":
      case "finishing":
        return [];
    }
  }

  protected get cause(): EndCause | undefined {
    return "cause" in this.#active ? this.#active.cause : undefined;
  }

  protected get deadlineMs(): number | undefined {
    switch (this.#active.kind) {
      case "new":
        return undefined;
      case "open":
        return this.#active.rotateAtMs;
      case "greeting":
      case "refused":
      case "leaving":
      case "finishing":
        return this.#active.deadlineMs;
    }
  }

  protected onDeadline(nowMs: number): SessionOutput[] {
    const state = this.#active;
    switch (state.kind) {
      case "new":
        return [];
      case "greeting":
        return this.handshakeTimedOut("welcome", this.#timing.handshakeTimeoutMs, nowMs);
      case "refused":
        return this.terminate(this.#late("close after refusing"), state.cause);
      case "open":
        return this.goodbye("rotation", nowMs);
      case "leaving": {
        const error = this.#late("answer the goodbye");
        return this.terminate(error, { kind: "silent", error });
      }
      case "finishing":
        // Unfinished events are resent on the next connection.
        return this.#finished(state.cause, nowMs);
    }
  }

  #welcomed(welcome: Welcome, nowMs: number): SessionOutput[] {
    const { agent, random } = this.#options;
    const peer = establishedAgent(agent, welcome);
    const liveness = new Liveness(agentLiveness(this.#timing, welcome), random, nowMs);
    this.#active = { kind: "open", peer, rotateAtMs: drawRotation(this.#timing, random, nowMs) };
    return [this.opened(peer, liveness, nowMs)];
  }

  #refused(refuse: Refuse, nowMs: number): SessionOutput[] {
    const error = new HawserError(refuse.code, refuse.message, { agent: this.#options.agent });
    const cause = { kind: "refused", error, retryAfterMs: refuse.retry_after_ms } as const;
    this.#active = { kind: "refused", cause, deadlineMs: nowMs + this.#timing.closeGraceMs };
    return [];
  }

  #drained(drain: Drain, nowMs: number): SessionOutput[] {
    this.#noteDrain(drain, nowMs);
    return this.goodbye("drain", nowMs);
  }

  #noteDrain(drain: Drain, nowMs: number): void {
    this.drainNotice = { slotMs: drain.reconnect_after_ms, windowMs: drain.window_ms, atMs: nowMs };
  }

  // A drain notice may cross our goodbye: we are leaving already, but now know when to come back.
  #receiveWhileLeaving(message: ControlMessage, nowMs: number): SessionOutput[] {
    if (message.type !== "drain") return this.receiveWhileOpen(message, nowMs);
    this.#noteDrain(message, nowMs);
    return [];
  }

  #receiveWhileEnding(message: ControlMessage, nowMs: number): SessionOutput[] {
    if (message.type === "drain" && this.ending?.kind === "closing") this.#noteDrain(message, nowMs);
    return [];
  }

  #goodbyeAcked(cause: EndCause & { kind: "goodbye" }, nowMs: number): SessionOutput[] {
    this.#active = { kind: "finishing", cause, deadlineMs: nowMs + this.#timing.closeGraceMs };
    return [];
  }

  #finished(cause: EndCause & { kind: "goodbye" }, nowMs: number): SessionOutput[] {
    return this.close(CLOSE_CODES.normal, cause.reason, cause, nowMs);
  }

  #late(what: string): HawserError {
    return new HawserError("timeout", `the principal did not ${what} within ${this.#timing.closeGraceMs} ms`);
  }
}
