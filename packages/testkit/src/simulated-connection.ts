import {
  CLOSE_CODES,
  HawserError,
  nackKey,
  isCleanClose,
  LIMITS,
  type CloseCode,
  type CloudEvent,
  type Codec,
} from "@hawser/protocol";
import type {
  BufferLimits,
  Connection,
  ConnectionEnd,
  ConnectionHandlers,
  PeerInfo,
  SendResult,
} from "@hawser/transport";
import { approximateBytes, copyEvent } from "./event-copy.js";
import type { Frame, SimulatedPipe } from "./simulated-pipe.js";

export interface SimulatedConnectionParts {
  readonly peer: PeerInfo;
  readonly limits: BufferLimits;
  readonly maxFrameBytes: number;
  /** The accepting end, which takes only messages of `LIMITS.maxHelloBytes` until it trusts its peer. */
  readonly accepted: boolean;
  readonly codec: Codec | undefined;
  /** Runs the callback now or a little later: the interface allows both, so callers must bear both. */
  readonly nowOrSoon: (callback: () => void) => void;
  readonly soon: (callback: () => void) => void;
  /** Begins to take what the other end sends; until then it waits on the way. */
  readonly read: () => void;
  /** Takes nothing more until `read` is called again. */
  readonly pause: () => void;
  /** This end is over: `reset` when its peer has to be told by the network. */
  readonly released: (how: "reset" | "quiet") => void;
}

interface Close {
  readonly code: CloseCode;
  readonly reason: string;
}

/**
 * `failing` is a close because of a bad frame: nothing more is delivered. `dead` is an end whose host was killed: nobody is told.
 */
type State =
  | { readonly kind: "open" }
  | ({ readonly kind: "closing" | "failing" } & Close)
  | { readonly kind: "ended" }
  | { readonly kind: "dead" };

/** One end of a connection of the simulated network. */
export class SimulatedConnection implements Connection {
  readonly transport = "simulated";
  readonly peer: PeerInfo;
  readonly #parts: SimulatedConnectionParts;
  readonly #out: SimulatedPipe;
  #state: State = { kind: "open" };
  #handlers: ConnectionHandlers | undefined;
  #isReading = false;
  #unheardEnd: ConnectionEnd | undefined;
  #saidStop = false;
  #isPaused = false;
  #maxFrameBytes: number;

  constructor(parts: SimulatedConnectionParts, out: SimulatedPipe) {
    this.peer = parts.peer;
    this.#parts = parts;
    const { accepted, maxFrameBytes } = parts;
    this.#maxFrameBytes = accepted ? Math.min(LIMITS.maxHelloBytes, maxFrameBytes) : maxFrameBytes;
    this.#out = out;
  }

  get bufferedBytes(): number {
    return this.#out.bytes;
  }

  get isOver(): boolean {
    return this.#state.kind === "ended" || this.#state.kind === "dead";
  }

  open(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined)
      throw new HawserError("invalid_state", "A connection is opened once, and this one has been.");
    this.#handlers = handlers;
    this.#parts.soon(() => {
      this.#isReading = true;
      if (this.#unheardEnd !== undefined) this.#tellEnd(this.#unheardEnd);
      else if (!this.#isPaused) this.#parts.read();
    });
  }

  trust(): void {
    this.#maxFrameBytes = this.#parts.maxFrameBytes;
  }

  send(event: CloudEvent): SendResult {
    if (this.#state.kind !== "open") return "closed";
    const frame = this.#frame(event);
    const { highWaterBytes, hardLimitBytes } = this.#parts.limits;
    if (this.#out.bytes + frame.bytes > hardLimitBytes) {
      this.terminate(new HawserError("slow_consumer", "the peer does not read: the send buffer is full"));
      return "closed";
    }
    this.#out.send(frame);
    if (this.#out.bytes <= highWaterBytes) return "queued";
    this.#saidStop = true;
    return "full";
  }

  pause(): void {
    if (this.#handlers === undefined) return;
    this.#isPaused = true;
    this.#parts.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isReading) this.#parts.read();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state.kind !== "open") return;
    this.#state = { kind: "closing", code, reason };
    this.#out.send({ kind: "close", bytes: 0, code, reason });
  }

  terminate(error: HawserError): void {
    if (this.isOver) return;
    this.#state = { kind: "ended" };
    this.#parts.released("reset");
    this.#parts.nowOrSoon(() => this.#tellEnd({ kind: "lost", error }));
  }

  /** The host of this end was killed: its handlers never hear of anything again. */
  die(): void {
    this.#state = { kind: "dead" };
  }

  /** The network says that the connection is gone. */
  lose(error: HawserError): void {
    const state = this.#state;
    if (this.isOver) return;
    // A close over a bad frame says why, whatever the peer makes of it.
    if (state.kind === "failing") return this.#endClosed(state, "local");
    this.#state = { kind: "ended" };
    this.#parts.released("quiet");
    this.#tellEnd({ kind: "lost", error });
  }

  receive(frame: Frame): void {
    if (this.isOver) return;
    switch (frame.kind) {
      case "event":
        return this.#receiveEvent(frame);
      case "close":
        return this.#receiveClose(frame.code, frame.reason);
      case "reset":
        return this.lose(new HawserError("connection_closed", "connection reset by peer"));
    }
  }

  /** Frames arrived at the other end, so there is room again. */
  drained(): void {
    if (!this.#saidStop || this.#out.bytes >= this.#parts.limits.lowWaterBytes) return;
    this.#saidStop = false;
    if (this.#state.kind === "open") this.#handlers?.writable();
  }

  #receiveEvent(frame: Extract<Frame, { kind: "event" }>): void {
    if (this.#state.kind === "failing") return;
    if (frame.bytes > this.#maxFrameBytes) {
      return this.#fail(CLOSE_CODES.frameTooLarge, `frame of ${frame.bytes} bytes`);
    }
    let event: CloudEvent;
    try {
      event = frame.read();
    } catch (thrown) {
      const error = HawserError.from(thrown);
      const handlers = nackKey(error) === undefined ? undefined : this.#handlers;
      if (handlers?.unreadable === undefined) this.#fail(CLOSE_CODES.invalidPayload, error.message);
      else handlers.unreadable(error, frame.bytes);
      return;
    }
    this.#handlers?.message(event);
  }

  #receiveClose(code: CloseCode, reason: string): void {
    const state = this.#state;
    if (state.kind === "open") this.#out.send({ kind: "close", bytes: 0, code, reason });
    // An answer repeats our code; another one means that the peer closed for a reason of its own at the same time, and that is news.
    const isAnswer = state.kind === "failing" || (state.kind === "closing" && state.code === code);
    this.#endClosed(isAnswer ? state : { code, reason }, isAnswer ? "local" : "peer");
  }

  #endClosed({ code, reason }: Close, by: "local" | "peer"): void {
    this.#state = { kind: "ended" };
    this.#parts.released("quiet");
    this.#tellEnd({ kind: "closed", clean: isCleanClose(code), code, reason, by });
  }

  #fail(code: CloseCode, reason: string): void {
    if (this.#state.kind === "open") this.#out.send({ kind: "close", bytes: 0, code, reason });
    this.#state = { kind: "failing", code, reason };
  }

  #tellEnd(end: ConnectionEnd): void {
    if (this.#state.kind === "dead") return;
    if (this.#isReading) this.#handlers?.ended(end);
    else this.#unheardEnd = end;
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
