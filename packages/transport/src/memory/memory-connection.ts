import {
  CLOSE_CODES,
  type CloseCode,
  closeCodeFor,
  type CloudEvent,
  type Codec,
  HawserError,
  nackKey,
  LIMITS,
} from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import { answeredEnd, closedEnd } from "../close-outcome.js";
import { cutCloseReason } from "../close-reason.js";
import type {
  BufferLimits,
  Connection,
  ConnectionEnd,
  ConnectionHandlers,
  PeerInfo,
  SendResult,
} from "../connection.js";
import { approximateBytes } from "./event-size.js";
import type { MemoryPipe, Parcel } from "./memory-pipe.js";

export interface MemoryConnectionOptions {
  readonly peer: PeerInfo;
  readonly timers: Timers;
  readonly limits: BufferLimits;
  readonly codec: Codec | undefined;
  /** Whether the peer may send large messages from the start: true at the dialling end. */
  readonly trusted: boolean;
  readonly onEnded: () => void;
}

type State =
  | { readonly name: "open" }
  /** We closed; the peer's answer is on its way behind what it still sends. */
  | { readonly name: "closing"; readonly code: number; readonly reason: string }
  /** The peer sent what it may not; nothing it sends is delivered any more. */
  | { readonly name: "failing"; readonly code: number; readonly reason: string }
  | { readonly name: "ended" };

/** One end of a connection inside this process. */
export class MemoryConnection implements Connection {
  readonly transport = "memory";
  readonly peer: PeerInfo;
  readonly timers: Timers;
  /** Told when this end begins to read, and when it reads on after a pause. */
  onReading: () => void = () => {};
  readonly #options: MemoryConnectionOptions;
  readonly #outgoing: () => MemoryPipe;
  #handlers: ConnectionHandlers | undefined;
  #state: State = { name: "open" };
  #blocked = false;
  #paused = false;
  #unheardEnd: ConnectionEnd | undefined;
  #maxFrameBytes: number;

  /** @param outgoing the pipe to the peer; asked for late, because the two ends refer to each other */
  constructor(options: MemoryConnectionOptions, outgoing: () => MemoryPipe) {
    this.peer = options.peer;
    this.timers = options.timers;
    this.#options = options;
    this.#maxFrameBytes = options.trusted ? LIMITS.maxFrameBytes : LIMITS.maxHelloBytes;
    this.#outgoing = outgoing;
  }

  get bufferedBytes(): number {
    return this.#state.name === "ended" ? 0 : this.#outgoing().bufferedBytes;
  }

  get reading(): boolean {
    return this.#handlers !== undefined && !this.#paused;
  }

  get ended(): boolean {
    return this.#state.name === "ended";
  }

  open(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined)
      throw new HawserError("invalid_state", "A connection is opened once, and this one has been.");
    this.#handlers = handlers;
    const end = this.#unheardEnd;
    if (end === undefined) this.onReading();
    else this.timers.soon(() => handlers.ended(end));
  }

  trust(): void {
    this.#maxFrameBytes = LIMITS.maxFrameBytes;
  }

  send(event: CloudEvent): SendResult {
    if (this.#state.name !== "open") return "closed";
    const { codec, limits } = this.#options;
    const frame = codec === undefined ? event : codec.encode(event);
    this.#outgoing().push({ kind: "event", bytes: frameBytes(frame), frame });
    if (this.bufferedBytes > limits.hardLimitBytes) {
      this.terminate(new HawserError("slow_consumer", `The peer left ${this.bufferedBytes} bytes unread.`));
      return "closed";
    }
    if (this.bufferedBytes <= limits.highWaterBytes) return "queued";
    this.#blocked = true;
    return "full";
  }

  pause(): void {
    if (this.#handlers !== undefined) this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.onReading();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state.name !== "open") return;
    this.#startClosing("closing", code, cutCloseReason(reason));
  }

  terminate(error: HawserError): void {
    if (this.ended) return;
    this.#outgoing().reset();
    this.#end({ kind: "lost", error });
  }

  /** The bytes stopped: both ends learn it on their own. */
  lose(): void {
    this.#end({ kind: "lost", error: new HawserError("connection_closed", "The connection was reset.") });
  }

  /** What left this side made room. */
  drained(): void {
    if (!this.#blocked || this.ended || this.bufferedBytes > this.#options.limits.lowWaterBytes) return;
    this.#blocked = false;
    this.#handlers?.writable();
  }

  receive(parcel: Parcel): void {
    switch (parcel.kind) {
      case "event":
        return this.#receiveEvent(parcel.frame, parcel.bytes);
      case "close":
        return this.#receiveClose(parcel.code, parcel.reason);
      case "reset":
        return this.lose();
    }
  }

  #receiveEvent(frame: CloudEvent | string | Uint8Array, bytes: number): void {
    if (this.#state.name !== "open" && this.#state.name !== "closing") return;
    if (bytes > this.#maxFrameBytes) {
      const reason = `A message may have at most ${this.#maxFrameBytes} bytes now.`;
      this.#startClosing("failing", CLOSE_CODES.frameTooLarge, reason);
      return;
    }
    const event = this.#decode(frame);
    if (event instanceof HawserError) {
      if (nackKey(event) !== undefined && this.#handlers?.unreadable !== undefined) {
        this.#handlers.unreadable(event, bytes);
        return;
      }
      this.#startClosing("failing", closeCodeFor(event.code), cutCloseReason(event.message));
      return;
    }
    this.#handlers?.message(event);
  }

  #decode(frame: CloudEvent | string | Uint8Array): CloudEvent | HawserError {
    const { codec } = this.#options;
    if (codec === undefined) {
      if (typeof frame !== "string" && !(frame instanceof Uint8Array)) return frame;
      throw new HawserError("internal", "A frame arrived on a memory connection that has no codec.");
    }
    if (typeof frame !== "string" && !(frame instanceof Uint8Array)) {
      throw new HawserError(
        "internal",
        "An event arrived unencoded on a memory connection that has a codec.",
      );
    }
    try {
      return codec.decode(frame);
    } catch (error) {
      return HawserError.from(error, "invalid_event");
    }
  }

  #startClosing(name: "closing" | "failing", code: number, reason: string): void {
    if (this.#state.name === "open") this.#outgoing().push({ kind: "close", code, reason });
    this.#state = { name, code, reason };
  }

  #receiveClose(code: number, reason: string): void {
    const state = this.#state;
    switch (state.name) {
      case "open":
        this.#outgoing().push({ kind: "close", code, reason });
        return this.#end(answeredEnd(undefined, { code, reason }));
      case "closing":
        return this.#end(answeredEnd(state, { code, reason }));
      case "failing":
        return this.#end(closedEnd(state, "local"));
      case "ended":
        return;
    }
  }

  #end(end: ConnectionEnd): void {
    if (this.ended) return;
    this.#state = { name: "ended" };
    if (this.#handlers === undefined) this.#unheardEnd = end;
    else this.#handlers.ended(end);
    this.#options.onEnded();
  }
}

function frameBytes(frame: CloudEvent | string | Uint8Array): number {
  if (typeof frame === "string") return Buffer.byteLength(frame);
  return frame instanceof Uint8Array ? frame.byteLength : approximateBytes(frame);
}
