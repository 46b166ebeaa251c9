import type { CloudEvent } from "@hawser/protocol";
import type { Clock, Random, Timer, Timers } from "@hawser/runtime";
import type { NetworkFaults } from "./network-faults.js";

/** What travels in one direction of a simulated connection. */
export type Frame =
  | { readonly kind: "event"; readonly bytes: number; readonly read: () => CloudEvent }
  | { readonly kind: "close"; readonly bytes: number; readonly code: number; readonly reason: string }
  | { readonly kind: "reset"; readonly bytes: number };

export interface PipeWorld {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly faults: () => NetworkFaults;
}

type PipeState = "flowing" | "held" | "swallowing";

/** One direction of a connection: first in, first out, whatever the latency of each frame. */
export class SimulatedPipe {
  readonly #world: PipeWorld;
  readonly #deliver: (frame: Frame) => void;
  readonly #drained: () => void;
  #inFlight: { readonly frame: Frame; readonly arriveAt: number }[] = [];
  #bytes = 0;
  #state: PipeState = "flowing";
  #isRead = false;
  #timer: Timer | undefined;

  constructor(world: PipeWorld, deliver: (frame: Frame) => void, drained: () => void) {
    this.#world = world;
    this.#deliver = deliver;
    this.#drained = drained;
  }

  /** Bytes sent that have not arrived: what a sender's buffer would hold. */
  get bytes(): number {
    return this.#bytes;
  }

  get frames(): number {
    return this.#inFlight.length;
  }

  send(frame: Frame): void {
    this.#bytes += frame.bytes;
    if (this.#state === "swallowing") return;
    const last = this.#inFlight.at(-1)?.arriveAt ?? 0;
    const arriveAt = Math.max(last, this.#world.clock.now() + this.#latency());
    this.#inFlight.push({ frame, arriveAt });
    this.#schedule();
  }

  /** The receiver begins to read; until then everything waits, and fills the buffer of the sender. */
  read(): void {
    this.#isRead = true;
    this.#schedule();
  }

  /** The receiver does not read for now. */
  pause(): void {
    this.#isRead = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** A partition began: what is on the way and what is sent waits. */
  hold(): void {
    if (this.#state === "flowing") this.#state = "held";
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The partition is over: what waited goes on its way. */
  release(): void {
    if (this.#state !== "held") return;
    this.#state = "flowing";
    this.#schedule();
  }

  /** Loses everything sent from now on, while its sender believes that it is only slow. */
  swallow(): void {
    this.#state = "swallowing";
  }

  /** Loses what is on the way; its sender does not learn of it. */
  dropInFlight(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#inFlight = [];
  }

  #latency(): number {
    const { random } = this.#world;
    const faults = this.#world.faults();
    const latency = faults.latencyMinMs + random.next() * (faults.latencyMaxMs - faults.latencyMinMs);
    const stalled = faults.stallProbability > 0 && random.next() < faults.stallProbability;
    return stalled ? latency + random.next() * faults.stallMaxMs : latency;
  }

  #schedule(): void {
    const next = this.#inFlight[0];
    if (!this.#isRead || this.#state === "held" || this.#timer !== undefined || next === undefined) return;
    this.#timer = this.#world.timers.after(next.arriveAt - this.#world.clock.now(), () => this.#arrive());
  }

  /** Frames that are due together arrive in one go, as several do in one read of a socket, and wait where the receiver pauses in between. */
  #arrive(): void {
    this.#timer = undefined;
    const now = this.#world.clock.now();
    const { length } = this.#inFlight;
    for (let count = 0; count < length && this.#isRead && this.#state !== "held"; count++) {
      const next = this.#inFlight[0];
      if (next === undefined || next.arriveAt > now) break;
      this.#inFlight.shift();
      this.#bytes -= next.frame.bytes;
      this.#deliver(next.frame);
    }
    this.#schedule();
    this.#drained();
  }
}
