import { HawserError } from "@hawser/protocol";
import { TurnShare, WakeTimer, type Runtime } from "@hawser/runtime";
import { AdmissionQueue, type Admission, type AdmissionStats } from "./admission/admission-queue.js";
import type { AdmissionSettings } from "./admission/admission-settings.js";
import { HandshakeBudget } from "./admission/handshake-budget.js";
import { sourceOf } from "./admission/source.js";
import {
  awaitAdmission,
  hasFailed,
  pendingSocketOf,
  type AdmissionDecision,
  type AdmissionTimes,
  type DropReason,
  type Entry,
  type Handshake,
  type HandshakeOutcome,
  type PendingSocket,
  type SocketStage,
} from "./pending-socket.js";
import { PendingStreams, type PendingStream } from "./pending-streams.js";

export interface PendingSocketsOptions {
  readonly runtime: Runtime;
  readonly settings: AdmissionSettings;
  /** The handshake of this socket (or, with `refusal`, its refusal) may begin. */
  readonly begin: (pending: PendingSocket) => void;
  /** This side has closed the socket. */
  readonly dropped: (pending: PendingSocket, why: DropReason) => void;
  /** A stream was cut because the budget is spent. */
  readonly streamCut: (address: string) => void;
  /** The peer closed the socket before it was handed over. */
  readonly lost: (pending: PendingSocket) => void;
}

/** Handshakes and refusals that begin in one turn of the event loop; sessions run in between. */
export const MAX_BEGUN_PER_TURN = 4;

/**
 * The sockets between accept and session: drives the admission queue with real sockets and time.
 *
 * A socket stays here until one of its streams is a session, and a stream until it is one itself.
 * Both together are bounded by `maxUnauthenticated` and each is bounded in time, so idle clients
 * cost a bounded number of descriptors and bytes, also where they fail one stream and idle on others.
 */
export class PendingSockets {
  readonly #options: PendingSocketsOptions;
  readonly #queue: AdmissionQueue<PendingSocket | PendingStream>;
  readonly #wake: WakeTimer;
  readonly #present = new Map<string, PendingSocket>();
  readonly #streams: PendingStreams;
  readonly #budget: HandshakeBudget<PendingSocket | Handshake>;
  /**
   * Sockets whose first stream ended without a session, with the time their handshake began:
   * another stream may still become a session.
   */
  readonly #lingering = new Map<PendingSocket, number>();
  #settings: AdmissionSettings;
  readonly #share: TurnShare;

  constructor(options: PendingSocketsOptions) {
    const { runtime, settings } = options;
    this.#options = options;
    this.#settings = settings;
    this.#budget = new HandshakeBudget(settings.maxUnauthenticated);
    this.#queue = new AdmissionQueue(settings, runtime.random, runtime.clock.now());
    this.#streams = new PendingStreams(this.#queue);
    this.#share = new TurnShare(runtime, { perTurn: MAX_BEGUN_PER_TURN }, () => this.#pump());
    this.#wake = new WakeTimer(runtime, () => this.#pump());
  }

  add(entry: Entry, address: string): void {
    const pending = this.#enter(entry, address, "waiting");
    if (pending === undefined) return;
    this.#queue.arrived(pending, this.#now(), sourceOf(address));
    this.#pump();
  }

  /** Nobody is admitted now: refuses the socket with a slot, as a full line does. */
  turnAway(entry: Entry, address: string): void {
    const pending = this.#enter(entry, address, "waiting");
    if (pending === undefined) return;
    const decision = this.#queue.turnAway(pending, this.#now());
    if (decision.kind === "refused")
      this.#refuse(pending, decision.retryAfterMs, "no agents are let in now; come back at this time");
    else this.#drop(pending, "overCapacity");
    this.#pump();
  }

  /**
   * Adds a socket whose load balancer has still to name the client. Until `introduced` it counts,
   * and is cut, under the address of the load balancer.
   */
  expect(entry: Entry, address: string): PendingSocket | undefined {
    const pending = this.#enter(entry, address, "header");
    this.#pump();
    return pending;
  }

  /** The client's address is known, and its wait begins. Ignored where it has been cut meanwhile. */
  introduced(pending: PendingSocket, address: string): void {
    if (this.#forget(pending)) this.add(pending.entry, address);
  }

  /** Undefined when the socket was closed, because another one has this address. */
  #enter(entry: Entry, address: string, stage: SocketStage): PendingSocket | undefined {
    const { socket } = entry;
    // Two load balancers may name one client at one time.
    if (this.#present.has(address)) return void socket.destroy();
    const pending = pendingSocketOf(entry, address, stage, this.#now());
    this.#present.set(address, pending);
    this.#budget.add(pending, sourceOf(address));
    socket.once("close", () => this.#closed(pending));
    return pending;
  }

  #closed(pending: PendingSocket): void {
    const { address } = pending;
    if (this.#present.get(address) === pending && hasFailed(pending))
      this.#queue.failed(pending, sourceOf(address), this.#now());
    if (!this.#forget(pending)) return;
    if (pending.stage !== "handedOver") this.#options.lost(pending);
    this.#pump();
  }

  /** A stream began on a socket: it counts as unauthenticated until `handshakeDone`. */
  opened(handshake: Handshake): void {
    this.#budget.add(handshake, sourceOf(handshake.peer.address));
    this.#pump();
  }

  /** The client at this address has shown a good credential. */
  known(address: string): void {
    const pending = this.#present.get(address);
    if (pending === undefined) return;
    pending.isExcused = true;
    this.#budget.known(pending);
  }

  /** Resolves when this connection may become a session, is gone, or must come back later. */
  awaitAdmission(handshake: Handshake): Promise<AdmissionDecision> {
    this.#budget.known(handshake);
    const pending = this.#pendingOf(handshake);
    if (pending === undefined) {
      const decided = this.#streams.awaitAdmission(handshake, this.#now());
      this.#pump();
      return decided;
    }
    this.#budget.known(pending);
    pending.isExcused = true;
    pending.admission ??= awaitAdmission(handshake);
    if (this.#queue.ready(pending, this.#now())) this.#pump();
    return pending.admission.decided;
  }

  /** Frees the place of this connection. Undefined for one that had none. */
  handshakeDone(handshake: Handshake, became: HandshakeOutcome): AdmissionTimes | undefined {
    this.#budget.delete(handshake);
    const carrier = this.#present.get(handshake.peer.address);
    if (became === "sentAway" && carrier !== undefined) carrier.isExcused = true;
    const client = this.#streams.get(handshake) ?? this.#pendingOf(handshake);
    if (became === "session" && carrier !== undefined) {
      carrier.carriesSession = true;
      if (this.#lingering.has(carrier)) this.#forget(carrier);
    }
    const now = this.#now();
    if (client?.kind === "stream") this.#streams.forget(client, now);
    else if (client !== undefined) this.#leaveQueue(client);
    this.#pump();
    if (client === undefined) return undefined;
    const begunAtMs = client.begunAtMs ?? now;
    return { waitMs: begunAtMs - client.arrivedAtMs, handshakeMs: now - begunAtMs };
  }

  // One stream that ended without a session decides nothing for the socket, which keeps its deadline.
  #leaveQueue(pending: PendingSocket): void {
    if (pending.carriesSession) return void this.#forget(pending);
    pending.admission?.decide({ kind: "proceed" });
    this.#queue.finished(pending, this.#now());
    this.#lingering.set(pending, pending.begunAtMs ?? this.#now());
  }

  /** The socket that waits for this connection; undefined where it waits for another, or no longer. */
  #pendingOf(handshake: Handshake): PendingSocket | undefined {
    const pending = this.#present.get(handshake.peer.address);
    if (pending === undefined || this.#lingering.has(pending)) return undefined;
    return pending.admission === undefined || pending.admission.of === handshake ? pending : undefined;
  }

  configure(settings: AdmissionSettings): void {
    this.#settings = settings;
    this.#queue.configure(settings, this.#now());
    this.#budget.setMax(settings.maxUnauthenticated);
    this.#pump();
  }

  /** A slot for a client that is refused elsewhere, behind all others. In milliseconds from now. */
  slot(): number {
    return this.#queue.slot(this.#now());
  }

  stats(): AdmissionStats & { readonly unauthenticated: number } {
    return { ...this.#queue.stats(this.#now()), unauthenticated: this.#budget.size };
  }

  /** Cuts the sockets that were not handed over; resolves when their descriptors are closed. */
  async clear(): Promise<void> {
    this.#wake.cancel();
    const closed: Promise<void>[] = [];
    for (const pending of this.#present.values()) {
      this.#forget(pending);
      if (pending.stage === "handedOver") continue;
      closed.push(new Promise((resolve) => pending.socket.once("close", () => resolve())));
      pending.socket.destroy();
    }
    this.#streams.clear(this.#now());
    await Promise.all(closed);
  }

  #pump(): void {
    for (let over = this.#budget.takeExcess(); over !== undefined; over = this.#budget.takeExcess())
      this.#cut(over);
    const timeoutMs = this.#budget.timeoutMs(this.#settings.handshakeTimeoutMs);
    this.#queue.hurry(timeoutMs);
    while (this.#share.hasRoom) {
      const next = this.#queue.take(this.#now());
      if (next === undefined) break;
      if (next.client.kind === "stream") this.#streams.decide(next.client, next, this.#now());
      else this.#decide(next.client, next);
    }
    for (const [pending, sinceMs] of this.#lingering) {
      if (sinceMs + timeoutMs > this.#now()) break;
      this.#drop(pending, "timeout");
    }
    const [oldestMs] = this.#lingering.values();
    this.#wake.arm(
      this.#share.hasRoom ? this.#queue.nextWakeAt(this.#now()) : undefined,
      oldestMs === undefined ? undefined : oldestMs + timeoutMs,
    );
  }

  #begin(pending: PendingSocket): void {
    this.#share.take();
    this.#options.begin(pending);
  }

  #cut(client: PendingSocket | Handshake): void {
    if ("kind" in client) return this.#drop(client, "budget");
    // A client could reopen the stream alone at once; a new socket has to be admitted first.
    const pending = this.#present.get(client.peer.address);
    if (pending !== undefined && !pending.carriesSession && !this.#budget.isKnown(pending))
      return this.#drop(pending, "budget");
    this.#options.streamCut(client.peer.address);
    client.terminate(new HawserError("overloaded", "too many connections that are no session yet"));
  }

  #decide(pending: PendingSocket, decision: Admission<object>): void {
    switch (decision.kind) {
      case "admitted":
        pending.begunAtMs = this.#now();
        return this.#begin(pending);
      case "opens":
        return pending.admission?.decide({ kind: "proceed" });
      case "refused": {
        const message = "too many agents are connecting; come back at this time";
        return this.#refuse(pending, decision.retryAfterMs, message);
      }
      case "stalled":
        return this.#budget.stalled(pending);
      case "expired":
        return pending.carriesSession ? void this.#forget(pending) : this.#drop(pending, "timeout");
      case "unheard":
        return this.#drop(pending, "overCapacity");
    }
  }

  #refuse(pending: PendingSocket, retryAfterMs: number, message: string): void {
    pending.refusal = { retryAfterMs, message };
    this.#begin(pending);
  }

  #drop(pending: PendingSocket, why: DropReason): void {
    this.#forget(pending);
    pending.socket.destroy();
    this.#options.dropped(pending, why);
  }

  /** False when it was forgotten before. */
  #forget(pending: PendingSocket): boolean {
    this.#lingering.delete(pending);
    this.#budget.delete(pending);
    pending.admission?.decide({ kind: "proceed" });
    this.#queue.finished(pending, this.#now());
    if (this.#present.get(pending.address) !== pending) return false;
    return this.#present.delete(pending.address);
  }

  #now(): number {
    return this.#options.runtime.clock.now();
  }
}
