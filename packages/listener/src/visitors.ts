import { HawserError } from "@hawser/protocol";
import { TurnShare, WakeTimer, type Runtime } from "@hawser/runtime";
import { AdmissionQueue, type Admission, type AdmissionStats } from "./admission/admission-queue.js";
import type { AdmissionSettings } from "./admission/admission-settings.js";
import { HandshakeBudget } from "./admission/handshake-budget.js";
import { sourceOf } from "./admission/source.js";
import {
  awaitTurn,
  type Arrival,
  type Entry,
  type FurtherStream,
  type Settlement,
  type Turn,
  type Visitor,
  type VisitorStage,
} from "./visitor.js";

/** How long a client took to become a session, in milliseconds. */
export interface AdmissionTimes {
  /** In line. */
  readonly waitMs: number;
  /** From being let in. */
  readonly handshakeMs: number;
}

/** Why a socket is closed without a session. */
export type DropReason =
  /** Its handshake took too long. */
  | "timeout"
  /** Too many others were being told when to come back. */
  | "overCapacity"
  /** There were too many that are no session yet, most of them of its source. */
  | "budget";

export interface VisitorsOptions {
  readonly runtime: Runtime;
  readonly settings: AdmissionSettings;
  /** The handshake (or, with `refusal`, its refusal) of this one may begin. */
  readonly begin: (visitor: Visitor) => void;
  /** Its socket is closed by now. */
  readonly dropped: (visitor: Visitor, why: DropReason) => void;
  /** The budget is spent: a stream was cut. */
  readonly streamCut: (address: string) => void;
  /** It went away by itself before it was handed over. */
  readonly lost: (visitor: Visitor) => void;
}

/** Handshakes (and refusals) that begin in one turn of the event loop; sessions have their turns between them. */
export const MAX_BEGUN_PER_TURN = 4;

/**
 * The sockets between accept and session, and whose turn it is: the admission queue with real sockets and real time.
 *
 * A socket stays here until one of its streams is a session, and every stream until it is one: never more than `maxUnauthenticated` of both, each for a bounded time.
 * So whoever connects and stays silent, or spoils its first stream and leaves the others silent, costs a bounded number of descriptors and bytes.
 */
export class Visitors {
  readonly #options: VisitorsOptions;
  readonly #queue: AdmissionQueue<Visitor | FurtherStream>;
  readonly #wake: WakeTimer;
  readonly #present = new Map<string, Visitor>();
  readonly #streams = new Map<Arrival, FurtherStream>();
  readonly #budget: HandshakeBudget<Visitor | Arrival>;
  /** Sockets whose first stream ended without a session, and when their handshake began: another stream may still become one. */
  readonly #lingering = new Map<Visitor, number>();
  #settings: AdmissionSettings;
  readonly #share: TurnShare;

  constructor(options: VisitorsOptions) {
    const { runtime, settings } = options;
    this.#options = options;
    this.#settings = settings;
    this.#budget = new HandshakeBudget(settings.maxUnauthenticated);
    this.#queue = new AdmissionQueue(settings, runtime.random, runtime.clock.now());
    this.#share = new TurnShare(runtime, { perTurn: MAX_BEGUN_PER_TURN }, () => this.#pump());
    this.#wake = new WakeTimer(runtime, () => this.#pump());
  }

  add(entry: Entry, address: string): void {
    const visitor = this.#enter(entry, address, "waiting");
    if (visitor === undefined) return;
    this.#queue.arrived(visitor, this.#now(), sourceOf(address));
    this.#pump();
  }

  /** Nobody is let in now: this one is told when to come back, as somebody is who finds the line full. */
  turnAway(entry: Entry, address: string): void {
    const visitor = this.#enter(entry, address, "waiting");
    if (visitor === undefined) return;
    const decision = this.#queue.turnAway(visitor, this.#now());
    if (decision.kind === "refused")
      this.#refuse(visitor, decision.retryAfterMs, "no agents are let in now; come back at this time");
    else this.#drop(visitor, "overCapacity");
    this.#pump();
  }

  /** A load balancer has still to say where this one comes from: until it is `introduced` it counts, and is cut, under the address of the load balancer. */
  expect(entry: Entry, address: string): Visitor | undefined {
    const visitor = this.#enter(entry, address, "header");
    this.#pump();
    return visitor;
  }

  /** It comes from there, and its wait begins. Whoever has been cut meanwhile has no more to wait for. */
  introduced(visitor: Visitor, address: string): void {
    if (this.#forget(visitor)) this.add(visitor.entry, address);
  }

  /** Undefined when it was closed, because there is one of this address. */
  #enter(entry: Entry, address: string, stage: VisitorStage): Visitor | undefined {
    const { socket } = entry;
    // Two load balancers may name one client at one time; an address stands for one visitor.
    if (this.#present.has(address)) {
      socket.destroy();
      return undefined;
    }
    const visitor: Visitor = {
      kind: "socket",
      entry,
      socket,
      address,
      stage,
      certificate: entry.kind === "upgrade" ? entry.certificate : undefined,
      arrivedAtMs: this.#now(),
      begunAtMs: undefined,
      refusal: undefined,
      turn: undefined,
      carriesSession: false,
      isExcused: false,
    };
    this.#present.set(address, visitor);
    this.#budget.add(visitor, sourceOf(address));
    socket.once("close", () => {
      if (this.#present.get(address) === visitor && cameToNothing(visitor))
        this.#queue.failed(visitor, sourceOf(address), this.#now());
      if (!this.#forget(visitor)) return;
      if (visitor.stage !== "handedOver") this.#options.lost(visitor);
      this.#pump();
    });
    return visitor;
  }

  /** A stream was begun on a socket: it counts until it is `settled`. */
  opened(arrival: Arrival): void {
    this.#budget.add(arrival, sourceOf(arrival.peer.address));
    this.#pump();
  }

  /** Whoever is behind this address has shown a good credential. */
  known(address: string): void {
    const visitor = this.#present.get(address);
    if (visitor === undefined) return;
    visitor.isExcused = true;
    this.#budget.known(visitor);
  }

  /** Resolves when this connection may become a session, is gone, or has to go. */
  turn(arrival: Arrival): Promise<Turn> {
    this.#budget.known(arrival);
    const visitor = this.#present.get(arrival.peer.address);
    const isTaken = visitor?.turn !== undefined && visitor.turn.of !== arrival;
    if (visitor === undefined || isTaken || this.#lingering.has(visitor)) return this.#streamTurn(arrival);
    this.#budget.known(visitor);
    visitor.isExcused = true;
    visitor.turn ??= awaitTurn(arrival);
    if (this.#queue.ready(visitor, this.#now())) this.#pump();
    return visitor.turn.decided;
  }

  #streamTurn(arrival: Arrival): Promise<Turn> {
    const known = this.#streams.get(arrival);
    if (known !== undefined) return known.turn.decided;
    const now = this.#now();
    const turn = awaitTurn(arrival);
    const stream: FurtherStream = { kind: "stream", arrivedAtMs: now, begunAtMs: undefined, turn };
    this.#streams.set(arrival, stream);
    this.#queue.arrived(stream, now, sourceOf(arrival.peer.address));
    this.#pump();
    return turn.decided;
  }

  /** This connection became a session, or ended without: its place is free. Undefined for one that has none. */
  settled(arrival: Arrival, became: Settlement): AdmissionTimes | undefined {
    this.#budget.delete(arrival);
    const carrier = this.#present.get(arrival.peer.address);
    if (became === "sentAway" && carrier !== undefined) carrier.isExcused = true;
    const client = this.#streams.get(arrival) ?? this.#visitorOf(arrival);
    if (became === "session") this.#carriesSession(arrival.peer.address);
    const now = this.#now();
    if (client?.kind === "stream") this.#forgetStream(client);
    else if (client !== undefined) this.#leaveQueue(client, became);
    this.#pump();
    if (client === undefined) return undefined;
    const begunAtMs = client.begunAtMs ?? now;
    return { waitMs: begunAtMs - client.arrivedAtMs, handshakeMs: now - begunAtMs };
  }

  /** The socket is somebody's from here on, and so are its further streams. */
  #carriesSession(address: string): void {
    const visitor = this.#present.get(address);
    if (visitor === undefined) return;
    visitor.carriesSession = true;
    if (this.#lingering.has(visitor)) this.#forget(visitor);
  }

  // One stream that ended says nothing of the socket: whoever spoils it keeps neither a place nor more time than others.
  #leaveQueue(visitor: Visitor, became: Settlement): void {
    if (became === "session" || visitor.carriesSession) this.#forget(visitor);
    else {
      visitor.turn?.decide({ kind: "come" });
      this.#queue.finished(visitor, this.#now());
      this.#lingering.set(visitor, visitor.begunAtMs ?? this.#now());
    }
  }

  #visitorOf(arrival: Arrival): Visitor | undefined {
    const visitor = this.#present.get(arrival.peer.address);
    if (visitor === undefined || this.#lingering.has(visitor)) return undefined;
    return visitor.turn === undefined || visitor.turn.of === arrival ? visitor : undefined;
  }

  configure(settings: AdmissionSettings): void {
    this.#settings = settings;
    this.#queue.configure(settings, this.#now());
    this.#budget.setMax(settings.maxUnauthenticated);
    this.#pump();
  }

  /** A time of its own for somebody who is refused elsewhere, behind everybody here. In milliseconds from now. */
  slot(): number {
    return this.#queue.slot(this.#now());
  }

  stats(): AdmissionStats & { readonly unauthenticated: number } {
    const { size } = this.#budget;
    return { ...this.#queue.stats(this.#now()), unauthenticated: size };
  }

  /** Cuts those that were not handed over; resolves when their descriptors are closed. */
  async clear(): Promise<void> {
    this.#wake.cancel();
    const closed: Promise<void>[] = [];
    for (const visitor of this.#present.values()) {
      this.#forget(visitor);
      if (visitor.stage === "handedOver") continue;
      closed.push(new Promise((resolve) => visitor.socket.once("close", () => resolve())));
      visitor.socket.destroy();
    }
    for (const stream of this.#streams.values()) this.#forgetStream(stream);
    await Promise.all(closed);
  }

  #pump(): void {
    this.#cutExcess();
    const timeoutMs = this.#budget.timeoutMs(this.#settings.handshakeTimeoutMs);
    this.#queue.hurry(timeoutMs);
    this.#takeTurns();
    for (const [visitor, sinceMs] of this.#lingering) {
      if (sinceMs + timeoutMs > this.#now()) break;
      this.#drop(visitor, "timeout");
    }
    this.#wake.arm(
      this.#share.hasRoom ? this.#queue.nextWakeAt(this.#now()) : undefined,
      firstDeadline(this.#lingering, timeoutMs),
    );
  }

  /** As far as this turn of the event loop goes. */
  #takeTurns(): void {
    while (this.#share.hasRoom) {
      const next = this.#queue.take(this.#now());
      if (next === undefined) return;
      const { client } = next;
      if (client.kind === "stream") this.#decideStream(client, next);
      else this.#decide(client, next);
    }
  }

  #begin(visitor: Visitor): void {
    this.#share.take();
    this.#options.begin(visitor);
  }

  #cutExcess(): void {
    for (let over = this.#budget.takeExcess(); over !== undefined; over = this.#budget.takeExcess())
      this.#cut(over);
  }

  #cut(client: Visitor | Arrival): void {
    if ("kind" in client) return this.#drop(client, "budget");
    // The stream alone would be opened anew at once, as often as it is cut; a new socket has to be let in first.
    const visitor = this.#present.get(client.peer.address);
    if (visitor !== undefined && !visitor.carriesSession && !this.#budget.isKnown(visitor))
      return this.#drop(visitor, "budget");
    this.#options.streamCut(client.peer.address);
    client.terminate(new HawserError("overloaded", "too many connections that are no session yet"));
  }

  #decide(visitor: Visitor, decision: Admission<object>): void {
    switch (decision.kind) {
      case "admitted":
        visitor.begunAtMs = this.#now();
        return this.#begin(visitor);
      case "opens":
        return visitor.turn?.decide({ kind: "come" });
      case "refused":
        return this.#refuse(
          visitor,
          decision.retryAfterMs,
          "too many agents are connecting; come back at this time",
        );
      case "stalled":
        return this.#budget.stalled(visitor);
      case "expired":
        return visitor.carriesSession ? void this.#forget(visitor) : this.#drop(visitor, "timeout");
      case "unheard":
        return this.#drop(visitor, "overCapacity");
    }
  }

  #decideStream(stream: FurtherStream, decision: Admission<object>): void {
    const { decide, of } = stream.turn;
    switch (decision.kind) {
      case "admitted":
        stream.begunAtMs = this.#now();
        this.#queue.ready(stream, this.#now());
        return;
      case "opens":
        return decide({ kind: "come" });
      case "stalled":
        return;
      case "refused":
      case "expired":
      case "unheard":
        this.#streams.delete(of);
        this.#queue.finished(stream, this.#now());
        return decide({
          kind: "refused",
          retryAfterMs: decision.kind === "refused" ? decision.retryAfterMs : this.slot(),
        });
    }
  }

  #refuse(visitor: Visitor, retryAfterMs: number, message: string): void {
    visitor.refusal = { retryAfterMs, message };
    this.#begin(visitor);
  }

  #drop(visitor: Visitor, why: DropReason): void {
    this.#forget(visitor);
    visitor.socket.destroy();
    this.#options.dropped(visitor, why);
  }

  /** False when it was forgotten before. */
  #forget(visitor: Visitor): boolean {
    this.#lingering.delete(visitor);
    this.#budget.delete(visitor);
    visitor.turn?.decide({ kind: "come" });
    this.#queue.finished(visitor, this.#now());
    if (this.#present.get(visitor.address) !== visitor) return false;
    return this.#present.delete(visitor.address);
  }

  #forgetStream(stream: FurtherStream): void {
    this.#streams.delete(stream.turn.of);
    this.#queue.finished(stream, this.#now());
    stream.turn.decide({ kind: "come" });
  }

  #now(): number {
    return this.#options.runtime.clock.now();
  }
}

/** It was let in to become a session, and has gone by its own doing. */
function cameToNothing({ begunAtMs, refusal, carriesSession, isExcused }: Visitor): boolean {
  return begunAtMs !== undefined && refusal === undefined && !carriesSession && !isExcused;
}

/** Of those that are to be dropped in the order in which they came. */
function firstDeadline(since: ReadonlyMap<Visitor, number>, timeoutMs: number): number | undefined {
  for (const sinceMs of since.values()) return sinceMs + timeoutMs;
  return undefined;
}
