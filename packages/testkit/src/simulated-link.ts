import { HawserError, type Codec } from "@hawser/protocol";
import type { BufferLimits, PeerInfo } from "@hawser/transport";
import { silentLogger } from "@hawser/runtime";
import { SimulatedConnection } from "./simulated-connection.js";
import { SimulatedPipe, type PipeWorld } from "./simulated-pipe.js";

/** One end of a simulated connection: who dialled, and who was dialled. */
export type Side = "dialer" | "listener";

export interface LinkParts {
  readonly world: PipeWorld;
  /** Whom each side sees at the other end. */
  readonly peers: Readonly<Record<Side, PeerInfo>>;
  readonly limits: BufferLimits;
  readonly maxFrameBytes: number;
  readonly codec: Codec | undefined;
  readonly delivered: () => void;
  /** Both ends are over. */
  readonly over: () => void;
}

/** A connection of the simulated network as the network sees it: two ends, two pipes, and what can be done to them. */
export class SimulatedLink {
  readonly ends: Readonly<Record<Side, SimulatedConnection>>;
  /** The pipe each side sends into. */
  readonly #pipes: Readonly<Record<Side, SimulatedPipe>>;
  readonly #parts: LinkParts;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#pipes = { dialer: this.#pipe("dialer"), listener: this.#pipe("listener") };
    this.ends = { dialer: this.#end("dialer"), listener: this.#end("listener") };
  }

  hold(): void {
    for (const side of SIDES) this.#pipes[side].hold();
  }

  release(): void {
    for (const side of SIDES) this.#pipes[side].release();
  }

  /** Cuts the connection for good. An end that does not notice stays half open until it terminates. */
  cut(notices: Readonly<Record<Side, boolean>>): void {
    for (const side of SIDES) {
      this.#pipes[side].swallow();
      // Either what was on the way still arrives, after the other end has perhaps moved on to a new connection, or it is lost.
      if (notices[otherSide(side)] || this.#draw()) this.#pipes[side].dropInFlight();
    }
    for (const side of SIDES) {
      if (notices[side]) this.ends[side].lose(new HawserError("connection_closed", "connection reset"));
    }
  }

  /** The host of `side` was killed. Its peer hears of it (a reset behind, or instead of, what was on the way), or never. */
  killSide(side: Side, peerNotices: boolean): void {
    this.ends[side].die();
    const other = otherSide(side);
    this.#pipes[other].dropInFlight();
    if (this.#draw()) this.#pipes[side].dropInFlight();
    if (peerNotices) this.#pipes[side].send({ kind: "reset", bytes: 0 });
    this.#pipes[side].swallow();
    this.#pipes[other].swallow();
    this.#checkOver();
  }

  #pipe(side: Side): SimulatedPipe {
    const other = otherSide(side);
    return new SimulatedPipe(
      this.#parts.world,
      (frame) => {
        if (frame.kind === "event") this.#parts.delivered();
        this.ends[other].receive(frame);
      },
      () => this.ends[side].left(),
    );
  }

  #end(side: Side): SimulatedConnection {
    const { world, peers, limits, maxFrameBytes, codec } = this.#parts;
    const soon = (callback: () => void): void => void world.timers.soon(callback);
    return new SimulatedConnection(
      {
        peer: peers[side],
        limits,
        maxFrameBytes,
        accepted: side === "listener",
        runtime: { timers: world.timers, logger: silentLogger },
        codec,
        soon,
        read: () => this.#pipes[otherSide(side)].read(),
        pause: () => this.#pipes[otherSide(side)].pause(),
        nowOrSoon: (callback) => (this.#draw() ? callback() : soon(callback)),
        released: (how) => this.#released(side, how),
      },
      this.#pipes[side],
    );
  }

  #released(side: Side, how: "reset" | "quiet"): void {
    this.#pipes[otherSide(side)].dropInFlight();
    this.#pipes[otherSide(side)].swallow();
    if (how === "reset") {
      if (this.#draw()) this.#pipes[side].dropInFlight();
      this.#pipes[side].send({ kind: "reset", bytes: 0 });
      this.#pipes[side].swallow();
    }
    this.#checkOver();
  }

  #checkOver(): void {
    if (SIDES.every((side) => this.ends[side].isOver)) this.#parts.over();
  }

  #draw(): boolean {
    return this.#parts.world.random.next() < 0.5;
  }
}

export const SIDES: readonly Side[] = ["dialer", "listener"];

function otherSide(side: Side): Side {
  return side === "dialer" ? "listener" : "dialer";
}
