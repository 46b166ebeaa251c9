import { WakeTimer, type Runtime } from "@hawser/runtime";
import type { Socket } from "node:net";
import { AdmissionQueue, type Admission, type AdmissionStats } from "./admission/admission-queue.js";
import type { AdmissionSettings } from "./admission/admission-settings.js";
import { awaitTurn, type Arrival, type FurtherStream, type Turn, type Visitor } from "./visitor.js";

/** How long a client took to become a session, in milliseconds. */
export interface AdmissionTimes {
  /** In line. */
  readonly waitMs: number;
  /** From being let in. */
  readonly handshakeMs: number;
}

export interface VisitorsOptions {
  readonly runtime: Runtime;
  readonly settings: AdmissionSettings;
  /** The handshake (or, with `refusal`, the farewell) of this one may begin. */
  readonly begin: (visitor: Visitor) => void;
  /** It took too long, or there was no room to tell it anything; its socket is closed by now. */
  readonly dropped: (visitor: Visitor, why: "timeout" | "overCapacity") => void;
  /** It went away by itself before it was handed over. */
  readonly lost: (visitor: Visitor) => void;
}

/**
 * The sockets between accept and session, and whose turn it is: the admission queue with real sockets and real time.
 *
 * Never more than twice `maxHandshakes` (under way, and through), `maxWaiting` and `maxRefusing` together, each for a bounded time, so whoever connects and stays silent costs a bounded number of
 * descriptors. Further streams of a socket take the same places.
 */
export class Visitors {
  readonly #options: VisitorsOptions;
  readonly #queue: AdmissionQueue<Visitor | FurtherStream>;
  readonly #wake: WakeTimer;
  readonly #present = new Map<string, Visitor>();
  readonly #streams = new Map<Arrival, FurtherStream>();
  #settings: AdmissionSettings;
  /** Those that are being told to come back, until when; earliest first. */
  readonly #refusing = new Map<Visitor, number>();

  constructor(options: VisitorsOptions) {
    const { runtime, settings } = options;
    this.#options = options;
    this.#settings = settings;
    this.#queue = new AdmissionQueue(settings, runtime.random, runtime.clock.now());
    this.#wake = new WakeTimer(runtime, () => this.#pump());
  }

  add(socket: Socket, address: string): void {
    const visitor: Visitor = {
      kind: "socket",
      socket,
      address,
      stage: "waiting",
      certificate: undefined,
      arrivedAtMs: this.#now(),
      begunAtMs: undefined,
      refusal: undefined,
      turn: undefined,
    };
    this.#present.set(address, visitor);
    socket.once("close", () => {
      if (!this.#forget(visitor)) return;
      if (visitor.stage !== "handedOver") this.#options.lost(visitor);
      this.#pump();
    });
    this.#queue.arrived(visitor, this.#now());
    this.#pump();
  }

  /** Resolves when this connection may become a session, is gone, or has to go. */
  turn(arrival: Arrival): Promise<Turn> {
    const visitor = this.#present.get(arrival.peer.address);
    if (visitor === undefined || (visitor.turn !== undefined && visitor.turn.of !== arrival))
      return this.#streamTurn(arrival);
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
    this.#queue.arrived(stream, now);
    this.#pump();
    return turn.decided;
  }

  /** This connection is a session now, or was refused in its own protocol: its place is free. Undefined for one that has none. */
  settled(arrival: Arrival): AdmissionTimes | undefined {
    const client = this.#streams.get(arrival) ?? this.#visitorOf(arrival);
    if (client === undefined) return undefined;
    const now = this.#now();
    const begunAtMs = client.begunAtMs ?? now;
    if (client.kind === "stream") this.#forgetStream(client);
    else this.#forget(client);
    this.#pump();
    return { waitMs: begunAtMs - client.arrivedAtMs, handshakeMs: now - begunAtMs };
  }

  #visitorOf(arrival: Arrival): Visitor | undefined {
    const visitor = this.#present.get(arrival.peer.address);
    return visitor?.turn === undefined || visitor.turn.of === arrival ? visitor : undefined;
  }

  configure(settings: AdmissionSettings): void {
    this.#settings = settings;
    this.#queue.configure(settings, this.#now());
    this.#pump();
  }

  /** A time of its own for somebody who is refused elsewhere, behind everybody here. In milliseconds from now. */
  slot(): number {
    return this.#queue.slot(this.#now());
  }

  stats(): AdmissionStats & { readonly refusing: number } {
    return { ...this.#queue.stats(this.#now()), refusing: this.#refusing.size };
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
    for (let next = this.#queue.take(this.#now()); next !== undefined; next = this.#queue.take(this.#now())) {
      const { client } = next;
      if (client.kind === "stream") this.#decideStream(client, next);
      else this.#decide(client, next);
    }
    for (const [visitor, deadlineMs] of this.#refusing) {
      if (deadlineMs > this.#now()) break;
      this.#drop(visitor, "timeout");
    }
    const [refusingUntil] = this.#refusing.values();
    this.#wake.arm(this.#queue.nextWakeAt(this.#now()), refusingUntil);
  }

  #decide(visitor: Visitor, decision: Admission<object>): void {
    switch (decision.kind) {
      case "admitted":
        visitor.begunAtMs = this.#now();
        return this.#options.begin(visitor);
      case "opens":
        return visitor.turn?.decide({ kind: "come" });
      case "refused":
        return this.#refuse(visitor, decision.retryAfterMs);
      case "expired":
        return this.#drop(visitor, "timeout");
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
      case "refused":
      case "expired":
        this.#streams.delete(of);
        return decide({
          kind: "refused",
          retryAfterMs: decision.kind === "refused" ? decision.retryAfterMs : this.slot(),
        });
    }
  }

  #refuse(visitor: Visitor, retryAfterMs: number): void {
    const { maxRefusing, handshakeTimeoutMs } = this.#settings;
    if (this.#refusing.size >= maxRefusing) return this.#drop(visitor, "overCapacity");
    visitor.refusal = { retryAfterMs, message: "too many agents are connecting; come back at this time" };
    this.#refusing.set(visitor, this.#now() + handshakeTimeoutMs);
    this.#options.begin(visitor);
  }

  #drop(visitor: Visitor, why: "timeout" | "overCapacity"): void {
    this.#forget(visitor);
    visitor.socket.destroy();
    this.#options.dropped(visitor, why);
  }

  /** False when it was forgotten before. */
  #forget(visitor: Visitor): boolean {
    this.#refusing.delete(visitor);
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
