import { type CloudEvent, type Codec, HawserError, LIMITS } from "@hawser/protocol";
import { silentLogger, type Timers } from "@hawser/runtime";
import type { Close } from "../close-outcome.js";
import type { BufferLimits, ConnectionEnd, PeerInfo } from "../connection.js";
import { ConnectionCore } from "../connection-core.js";
import { approximateBytes } from "./event-size.js";
import type { MemoryPipe, Parcel } from "./memory-pipe.js";

export interface MemoryConnectionOptions {
  readonly peer: PeerInfo;
  readonly timers: Timers;
  readonly limits: BufferLimits;
  readonly codec: Codec | undefined;
  readonly accepted: boolean;
  readonly onEnded: () => void;
}

/** One end of a connection inside this process. */
export class MemoryConnection extends ConnectionCore {
  readonly transport = "memory";
  readonly timers: Timers;
  /** Told when this end begins to read, and when it reads on after a pause. */
  onReading: () => void = () => {};
  readonly #codec: Codec | undefined;
  readonly #onEnded: () => void;
  readonly #outgoing: () => MemoryPipe;

  /**
   * @param outgoing the pipe to the peer; asked for late, because the two ends refer to each other
   */
  constructor(
    { peer, timers, limits, codec, accepted, onEnded }: MemoryConnectionOptions,
    outgoing: () => MemoryPipe,
  ) {
    const runtime = { timers, logger: silentLogger };
    super({ peer, limits, maxFrameBytes: LIMITS.maxFrameBytes, accepted, runtime });
    this.timers = timers;
    this.#codec = codec;
    this.#onEnded = onEnded;
    this.#outgoing = outgoing;
  }

  get reading(): boolean {
    return !this.isHeldBack;
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  /** The bytes stopped: both ends learn it on their own. */
  lose(): void {
    this.endBroken(new HawserError("connection_closed", "The connection was reset."));
  }

  /** What left this side may have made room. */
  left(): void {
    this.drained();
  }

  receive(parcel: Parcel): void {
    switch (parcel.kind) {
      case "event":
        return this.#receiveEvent(parcel.frame, parcel.bytes);
      case "close":
        return this.closeReceived(parcel);
      case "reset":
        return this.lose();
    }
  }

  protected override get waitingBytes(): number {
    return this.#outgoing().bufferedBytes;
  }

  protected override write(event: CloudEvent): number {
    const frame = this.#codec === undefined ? event : this.#codec.encode(event);
    const pipe = this.#outgoing();
    pipe.push({ kind: "event", bytes: frameBytes(frame), frame });
    return pipe.bufferedBytes;
  }

  protected override readOn(): void {
    this.onReading();
  }

  /** The pipe asks whether this end is `reading`. */
  protected override holdBack(): void {}

  protected override sayClose({ code, reason }: Close): void {
    this.#outgoing().push({ kind: "close", code, reason });
  }

  protected override peerClosed(close: Close): void {
    if (this.isOpen) this.sayClose(close);
    super.peerClosed(close);
  }

  protected override release(end: ConnectionEnd): void {
    if (end.kind === "lost") this.#outgoing().reset();
    this.#onEnded();
  }

  /** A handler that throws is a fault of the test that made it, which has to hear of it. */
  protected override faulted(thrown: unknown): never {
    throw thrown;
  }

  #receiveEvent(frame: CloudEvent | string | Uint8Array, bytes: number): void {
    if (!this.takesEvents || !this.admits(bytes)) return;
    let event: CloudEvent;
    try {
      event = this.#decode(frame);
    } catch (thrown) {
      return this.unreadable(HawserError.from(thrown, "invalid_event"), bytes);
    }
    this.received(event);
  }

  #decode(frame: CloudEvent | string | Uint8Array): CloudEvent {
    const isEncoded = typeof frame === "string" || frame instanceof Uint8Array;
    if (this.#codec !== undefined && isEncoded) return this.#codec.decode(frame);
    if (this.#codec === undefined && !isEncoded) return frame;
    throw new HawserError("internal", "The two ends of a memory connection have not the same codec.");
  }
}

function frameBytes(frame: CloudEvent | string | Uint8Array): number {
  if (typeof frame === "string") return Buffer.byteLength(frame);
  return frame instanceof Uint8Array ? frame.byteLength : approximateBytes(frame);
}
