import { HawserError, type CloudEvent, type Codec } from "@hawser/protocol";
import {
  approximateBytes,
  ConnectionCore,
  type Close,
  type ConnectionEnd,
  type ConnectionParts,
} from "@hawser/transport";
import type { Frame, SimulatedPipe } from "./simulated-pipe.js";

export interface SimulatedConnectionParts extends ConnectionParts {
  readonly codec: Codec | undefined;
  /**
   * Runs the callback now or a little later: the interface allows both, so callers must bear both.
   */
  readonly nowOrSoon: (callback: () => void) => void;
  readonly soon: (callback: () => void) => void;
  /** Begins to take what the other end sends; until then it waits on the way. */
  readonly read: () => void;
  /** Takes nothing more until `read` is called again. */
  readonly pause: () => void;
  /** This end is over: `reset` when its peer has to be told by the network. */
  readonly released: (how: "reset" | "quiet") => void;
}

/** One end of a connection of the simulated network. */
export class SimulatedConnection extends ConnectionCore {
  readonly transport = "simulated";
  readonly #parts: SimulatedConnectionParts;
  readonly #out: SimulatedPipe;
  /** Its host was killed: nobody is told of anything. */
  #isDead = false;
  /** The end under way was made here, and not by the network. */
  #isTerminating = false;

  constructor(parts: SimulatedConnectionParts, out: SimulatedPipe) {
    super(parts);
    this.#parts = parts;
    this.#out = out;
  }

  get isOver(): boolean {
    return this.hasEnded;
  }

  override terminate(error: HawserError): void {
    this.#isTerminating = !this.hasEnded;
    super.terminate(error);
  }

  /** The host of this end was killed: its handlers never hear of anything again. */
  die(): void {
    this.#isDead = true;
    this.endBroken(new HawserError("connection_closed", "the host was killed"));
  }

  /** The network says that the connection is gone. */
  lose(error: HawserError): void {
    this.endBroken(error);
  }

  receive(frame: Frame): void {
    switch (frame.kind) {
      case "event":
        return this.#receiveEvent(frame);
      case "close":
        return this.closeReceived(frame);
      case "reset":
        return this.lose(new HawserError("connection_closed", "connection reset by peer"));
    }
  }

  /** Frames arrived at the other end, so there may be room again. */
  left(): void {
    this.drained();
  }

  protected override get waitingBytes(): number {
    return this.#out.bytes;
  }

  protected override begin(): void {
    this.#parts.soon(() => {
      if (!this.isHeldBack && !this.hasEnded) this.readOn();
    });
  }

  protected override write(event: CloudEvent): number {
    this.#out.send(this.#frame(event));
    return this.#out.bytes;
  }

  protected override readOn(): void {
    this.#parts.read();
  }

  protected override holdBack(): void {
    this.#parts.pause();
  }

  protected override sayClose({ code, reason }: Close): void {
    this.#out.send({ kind: "close", bytes: 0, code, reason });
  }

  protected override peerClosed(close: Close): void {
    if (this.isOpen) this.sayClose(close);
    super.peerClosed(close);
  }

  protected override release(): void {
    if (!this.#isDead) this.#parts.released(this.#isTerminating ? "reset" : "quiet");
  }

  protected override tellEnd(end: ConnectionEnd): void {
    if (this.#isDead) return;
    if (!this.#isTerminating) return super.tellEnd(end);
    this.#isTerminating = false;
    this.#parts.nowOrSoon(() => this.tellEnd(end));
  }

  /** A handler that throws is a fault of what is simulated, which has to come to light. */
  protected override faulted(thrown: unknown): never {
    throw thrown;
  }

  #receiveEvent(frame: Extract<Frame, { kind: "event" }>): void {
    if (!this.takesEvents || !this.admits(frame.bytes)) return;
    let event: CloudEvent;
    try {
      event = frame.read();
    } catch (thrown) {
      return this.unreadable(HawserError.from(thrown, "invalid_event"), frame.bytes);
    }
    this.received(event);
  }

  #frame(event: CloudEvent): Extract<Frame, { kind: "event" }> {
    const { codec } = this.#parts;
    if (codec === undefined) {
      const copy = copyEvent(event);
      return { kind: "event", bytes: approximateBytes(event), read: () => copy };
    }
    const encoded = codec.encode(event);
    return { kind: "event", bytes: Buffer.byteLength(encoded), read: () => codec.decode(encoded) };
  }
}

/** A copy that shares nothing mutable with the original, as if it had been through a socket. */
function copyEvent(event: CloudEvent): CloudEvent {
  return { ...event, ...(event.data === undefined ? {} : { data: structuredClone(event.data) }) };
}
