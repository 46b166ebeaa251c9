import type { Admission, AdmissionQueue } from "./admission/admission-queue.js";
import { sourceOf } from "./admission/source.js";
import {
  awaitAdmission,
  type AdmissionDecision,
  type AwaitedAdmission,
  type Handshake,
} from "./pending-socket.js";

/**
 * A further stream of a socket that was admitted before: HTTP/2 carries many, and a proxy may carry
 * a fleet over a few sockets. It waits in the same line, but costs only a session, and is never
 * cut: its socket belongs to others as well.
 */
export interface PendingStream {
  readonly kind: "stream";
  readonly arrivedAtMs: number;
  begunAtMs: number | undefined;
  readonly admission: AwaitedAdmission;
}

type Queue = Pick<AdmissionQueue<PendingStream>, "arrived" | "finished" | "ready" | "slot">;

/** The further streams that wait in the admission queue. */
export class PendingStreams {
  readonly #queue: Queue;
  readonly #streams = new Map<Handshake, PendingStream>();

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  get(handshake: Handshake): PendingStream | undefined {
    return this.#streams.get(handshake);
  }

  /** Puts the stream in line, unless it is there already. */
  awaitAdmission(handshake: Handshake, nowMs: number): Promise<AdmissionDecision> {
    const known = this.#streams.get(handshake);
    if (known !== undefined) return known.admission.decided;
    const admission = awaitAdmission(handshake);
    const stream: PendingStream = { kind: "stream", arrivedAtMs: nowMs, begunAtMs: undefined, admission };
    this.#streams.set(handshake, stream);
    this.#queue.arrived(stream, nowMs, sourceOf(handshake.peer.address));
    return admission.decided;
  }

  decide(stream: PendingStream, decision: Admission<object>, nowMs: number): void {
    switch (decision.kind) {
      case "admitted":
        stream.begunAtMs = nowMs;
        this.#queue.ready(stream, nowMs);
        return;
      case "opens":
        return stream.admission.decide({ kind: "proceed" });
      case "stalled":
        return;
      case "refused":
        return this.#remove(stream, { kind: "refused", retryAfterMs: decision.retryAfterMs }, nowMs);
      case "expired":
      case "unheard":
        return this.#remove(stream, { kind: "refused", retryAfterMs: this.#queue.slot(nowMs) }, nowMs);
    }
  }

  forget(stream: PendingStream, nowMs: number): void {
    this.#remove(stream, { kind: "proceed" }, nowMs);
  }

  clear(nowMs: number): void {
    for (const stream of this.#streams.values()) this.forget(stream, nowMs);
  }

  #remove(stream: PendingStream, decision: AdmissionDecision, nowMs: number): void {
    this.#streams.delete(stream.admission.of);
    this.#queue.finished(stream, nowMs);
    stream.admission.decide(decision);
  }
}
