import {
  CLOSE_CODES,
  closeCodeFor,
  closeReason,
  formatSettled,
  HawserError,
  parseSettled,
  type CloseCode,
  type ControlMessage,
  type Heartbeat,
} from "@hawser/protocol";
import { isRefusal, tellPeer } from "./close-reasons.js";
import type { Liveness } from "./liveness.js";
import { SendStall, type FullBuffer } from "./send-stall.js";
import {
  endReason,
  type DrainNotice,
  type EndCause,
  type SessionEnd,
  type TransportEnd,
} from "./session-end.js";
import type { Established, SessionOutput } from "./session-output.js";

/** How every session ends: all three are the same on both sides. */
export type EndingState =
  /** The close handshake was started; what the peer still sends is not acted on. */
  | { readonly kind: "closing"; readonly cause: EndCause | undefined; readonly deadlineMs: number }
  /** The connection was cut; its end is about to be reported. */
  | { readonly kind: "terminated"; readonly cause: EndCause | undefined }
  | { readonly kind: "ended"; readonly end: SessionEnd };

const NOTHING: readonly SessionOutput[] = Object.freeze([]);

/** The common half of both sides: liveness, the ways to end, no half-open session. */
export abstract class SessionMachine {
  protected ending: EndingState | undefined;
  protected liveness: Liveness | undefined;
  /** The other end of the connection wants it replaced. */
  protected isRotationRequested = false;
  protected drainNotice: DrainNotice | undefined;
  readonly #closeGraceMs: number;
  #stall: SendStall | undefined;
  #openedAtMs: number | undefined;
  #peerSettled = 0;

  protected constructor(closeGraceMs: number) {
    this.#closeGraceMs = closeGraceMs;
  }

  abstract readonly state: { readonly kind: string };
  /** When the present state has lasted too long, or long enough. */
  protected abstract readonly deadlineMs: number | undefined;
  /** Why it would end if the transport ended now. */
  protected abstract readonly cause: EndCause | undefined;
  /** Whether the peer may send an event now. */
  abstract readonly mayReceiveEvents: boolean;
  protected abstract onDeadline(nowMs: number): SessionOutput[];

  /** Events may have flowed, so it is too late to refuse the peer. */
  protected get hasOpened(): boolean {
    return this.#openedAtMs !== undefined;
  }

  /** It is being closed, or has ended: nothing is to be begun for it any more. */
  get isEnding(): boolean {
    return this.ending !== undefined;
  }

  /**
   * When the peer showed life last, in monotonic milliseconds; undefined before the session opened.
   */
  get heardAtMs(): number | undefined {
    return this.liveness?.heardAtMs;
  }

  /** Any frame arrived: counts as life. */
  heard(nowMs: number): void {
    this.liveness?.heard(nowMs);
  }

  /**
   * Bytes received so far, if counted: a message under way counts as life. Call it before `wake`.
   */
  received(bytes: number | undefined, nowMs: number): void {
    this.liveness?.received(bytes, nowMs);
  }

  /** The send buffer of the connection, if that is full; undefined while it has room. */
  sending(buffer: FullBuffer | undefined, nowMs: number): void {
    this.#stall?.observe(buffer, nowMs);
  }

  /**
   * An event arrived. The peer's error while none is allowed (before `opened`, after its goodbye or
   * goodbye_ack): then the answer closes the connection, and `mayReceiveEvents` says that the event
   * is not to be handled.
   */
  eventReceived(nowMs: number): readonly SessionOutput[] {
    if (this.mayReceiveEvents || this.ending !== undefined) return NOTHING;
    return this.violation(`an event is not allowed while the session is ${this.state.kind}`, nowMs);
  }

  /** An error on this side, or unreadable input: closes with its code, unless closing already. */
  fail(error: HawserError, nowMs: number): SessionOutput[] {
    if (this.ending !== undefined) return [];
    return this.closeFor(this.#causeOf(error), nowMs);
  }

  /** Call it at `nextWakeAt`. `settled`: the floor of the own mailbox, for the heartbeat. */
  wake(nowMs: number, settled: number): SessionOutput[] {
    if (this.ending !== undefined) return this.#wakeEnding(this.ending, nowMs);
    if (this.liveness?.isSilent(nowMs)) return this.#giveUp(this.liveness.silenceMs);
    if (this.#stall?.isStuck(nowMs) === true) return this.#neverReads(this.#stall, nowMs);
    if (this.deadlineMs !== undefined && nowMs >= this.deadlineMs) return this.onDeadline(nowMs);
    if (!this.liveness?.takeBeat(nowMs)) return [];
    return [{ kind: "send", message: { type: "heartbeat", settled: formatSettled(settled) } }];
  }

  /** When to call `wake`; ask again after every call. Undefined: only another input matters. */
  nextWakeAt(): number | undefined {
    if (this.ending !== undefined) return this.ending.kind === "closing" ? this.ending.deadlineMs : undefined;
    const times = [this.liveness?.nextAt(), this.#stall?.nextAt(), this.deadlineMs];
    const next = Math.min(...times.map((atMs) => atMs ?? Number.POSITIVE_INFINITY));
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** The transport's last word. The first call answers `ended`, later ones nothing. */
  transportEnded(transport: TransportEnd, nowMs: number): SessionOutput[] {
    if (this.ending?.kind === "ended") return [];
    const cause = this.ending === undefined ? this.cause : this.ending.cause;
    const openedAtMs = this.#openedAtMs;
    const livedMs = openedAtMs === undefined ? 0 : nowMs - openedAtMs;
    const { hasOpened, isRotationRequested } = this;
    const circumstances = { nowMs, hasOpened, isRotationRequested };
    const reason = endReason(cause, this.drainNotice, transport, circumstances);
    const end = { ...reason, openedAtMs, livedMs, transport };
    this.ending = { kind: "ended", end };
    return [{ kind: "ended", end }];
  }

  protected opened(peer: Established, liveness: Liveness, nowMs: number): SessionOutput {
    this.#openedAtMs = nowMs;
    this.#peerSettled = peer.peerSettled;
    this.liveness = liveness;
    this.#stall = new SendStall(liveness.silenceMs);
    return { kind: "opened", peer };
  }

  /** Handles the messages that either side may send while the session is open. */
  protected receiveWhileOpen(message: ControlMessage, nowMs: number): SessionOutput[] {
    if (message.type === "heartbeat") return this.#heartbeat(message);
    if (message.type === "ack" || message.type === "nack") return [];
    return this.illegal(message, nowMs);
  }

  protected illegal(message: ControlMessage, nowMs: number): SessionOutput[] {
    return this.violation(`${message.type} is not allowed while the session is ${this.state.kind}`, nowMs);
  }

  protected violation(what: string, nowMs: number): SessionOutput[] {
    const cause = this.#causeOf(new HawserError("invalid_message", what));
    return this.close(CLOSE_CODES.protocolError, what, cause, nowMs);
  }

  /** Closes with the code that fits the error, which stays the cause of the end. */
  protected closeFor(cause: EndCause & { readonly error: HawserError }, nowMs: number): SessionOutput[] {
    return this.close(closeCodeFor(cause.error.code), tellPeer(cause.error), cause, nowMs);
  }

  protected close(
    code: CloseCode,
    reason: string,
    cause: EndCause | undefined,
    nowMs: number,
  ): SessionOutput[] {
    this.ending = { kind: "closing", cause, deadlineMs: nowMs + this.#closeGraceMs };
    return [{ kind: "close", code, reason: closeReason(reason) }];
  }

  protected terminate(error: HawserError, cause: EndCause | undefined): SessionOutput[] {
    this.ending = { kind: "terminated", cause };
    return [{ kind: "terminate", error }];
  }

  #heartbeat({ settled }: Heartbeat): SessionOutput[] {
    const version = parseSettled(settled);
    if (version <= this.#peerSettled) return [];
    this.#peerSettled = version;
    return [{ kind: "settled", version }];
  }

  // A refusal stands whatever follows; a version or an identity that this side cannot accept is a
  // refusal too. An agent detects a rolled-back store only by the welcome, after the session has
  // opened.
  #causeOf(error: HawserError): EndCause & { readonly error: HawserError } {
    const { cause } = this;
    if (cause?.kind === "refused") return cause;
    const tooLate = this.hasOpened && error.code !== "store_rolled_back";
    if (tooLate || !isRefusal(error.code)) return { kind: "failed", error };
    return { kind: "refused", error, retryAfterMs: undefined };
  }

  #wakeEnding(ending: EndingState, nowMs: number): SessionOutput[] {
    if (ending.kind !== "closing" || nowMs < ending.deadlineMs) return [];
    const what = `the peer did not finish the close handshake within ${this.#closeGraceMs} ms`;
    return this.terminate(new HawserError("timeout", what), ending.cause);
  }

  #neverReads({ limitMs }: SendStall, nowMs: number): SessionOutput[] {
    const what = `the peer has read nothing of a full send buffer for ${Math.round(limitMs)} ms`;
    return this.closeFor({ kind: "failed", error: new HawserError("slow_consumer", what) }, nowMs);
  }

  /** @param what the message that did not come in time */
  protected handshakeTimedOut(what: string, timeoutMs: number, nowMs: number): SessionOutput[] {
    const reason = `no ${what} within ${timeoutMs} ms`;
    const error = new HawserError("handshake_timeout", reason);
    return this.close(CLOSE_CODES.handshakeTimeout, reason, { kind: "silent", error }, nowMs);
  }

  #giveUp(silenceMs: number): SessionOutput[] {
    const what = `nothing was heard from the peer for ${Math.round(silenceMs)} ms`;
    const error = new HawserError("heartbeat_timeout", what);
    return this.terminate(error, { kind: "silent", error });
  }
}
