import { WakeTimer, type Runtime } from "@hawser/runtime";
import type { SocketRefusal } from "@hawser/transport";
import type { Socket } from "node:net";
import { AdmissionQueue, type AdmissionStats } from "./admission/admission-queue.js";
import type { AdmissionSettings } from "./admission/admission-settings.js";

/** Where a socket is between accept and session. */
export type VisitorStage = "waiting" | "tls" | "protocol" | "unsupported" | "handedOver";

/** What a client waits for that could be a session. */
interface Turn {
  readonly come: Promise<void>;
  readonly comes: () => void;
}

/** A socket that is not a session yet. */
export interface Visitor {
  readonly socket: Socket;
  /** `host:port` of the other end; no other visitor has it. */
  readonly address: string;
  stage: VisitorStage;
  /** Known once TLS has ended here. */
  certificateName: string | undefined;
  readonly arrivedAtMs: number;
  /** When its handshake began; undefined while it waits. */
  begunAtMs: number | undefined;
  /** It is only let in to be told this. */
  refusal: SocketRefusal | undefined;
  /** It is through with its handshake, and waits for its turn. */
  turn: Turn | undefined;
}

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
 * descriptors.
 */
export class Visitors {
  readonly #options: VisitorsOptions;
  readonly #queue: AdmissionQueue<Visitor>;
  readonly #wake: WakeTimer;
  readonly #present = new Map<string, Visitor>();
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
      socket,
      address,
      stage: "waiting",
      certificateName: undefined,
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

  /** Resolves when what came from this address may become a session, or is gone. Undefined for what is no visitor. */
  turn(address: string): Promise<void> | undefined {
    const visitor = this.#present.get(address);
    if (visitor === undefined) return undefined;
    if (visitor.turn === undefined && this.#queue.ready(visitor, this.#now())) {
      let comes = (): void => {};
      const come = new Promise<void>((resolve) => (comes = resolve));
      visitor.turn = { come, comes };
      this.#pump();
    }
    return visitor.turn?.come;
  }

  /** What came from this address is a session now, or was refused in its own protocol: its place is free. Undefined for what is no visitor. */
  settled(address: string): AdmissionTimes | undefined {
    const visitor = this.#present.get(address);
    if (visitor === undefined || !this.#forget(visitor)) return undefined;
    const now = this.#now();
    const begunAtMs = visitor.begunAtMs ?? now;
    this.#pump();
    return { waitMs: begunAtMs - visitor.arrivedAtMs, handshakeMs: now - begunAtMs };
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
    await Promise.all(closed);
  }

  #pump(): void {
    for (let next = this.#queue.take(this.#now()); next !== undefined; next = this.#queue.take(this.#now())) {
      switch (next.kind) {
        case "admitted":
          next.client.begunAtMs = this.#now();
          this.#options.begin(next.client);
          break;
        case "opens":
          next.client.turn?.comes();
          break;
        case "refused":
          this.#refuse(next.client, next.retryAfterMs);
          break;
        case "expired":
          this.#drop(next.client, "timeout");
          break;
      }
    }
    for (const [visitor, deadlineMs] of this.#refusing) {
      if (deadlineMs > this.#now()) break;
      this.#drop(visitor, "timeout");
    }
    const [refusingUntil] = this.#refusing.values();
    this.#wake.arm(this.#queue.nextWakeAt(this.#now()), refusingUntil);
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
    visitor.turn?.comes();
    this.#queue.finished(visitor, this.#now());
    if (this.#present.get(visitor.address) !== visitor) return false;
    return this.#present.delete(visitor.address);
  }

  #now(): number {
    return this.#options.runtime.clock.now();
  }
}
