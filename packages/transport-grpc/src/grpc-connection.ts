import type { ServerDuplexStream, ClientDuplexStream } from "@grpc/grpc-js";
import {
  CLOSE_CODES,
  CLOSE_EVENT_TYPE,
  closeCodeFor,
  encodeClose,
  HawserError,
  parseClose,
  protobufBatchCodec,
  type CloseCode,
  type CloudEvent,
} from "@hawser/protocol";
import { guarded, type Runtime } from "@hawser/runtime";
import {
  answeredEnd,
  closedEnd,
  cutCloseReason,
  type Close,
  type Connection,
  type ConnectionEnd,
  type ConnectionHandlers,
  type PeerInfo,
  type SendResult,
  type StreamSettings,
} from "@hawser/transport";
import { BatchWriter } from "./batch-writer.js";

/** Who says that a stream closes: the `source` of its close event. */
const CLOSE_SOURCE = "/hawser/transport-grpc";

/** What leaves the socket in less than this may be about the stream and not of it: pings, and room for what the peer sends. */
const SENT_UNIT_BYTES = 16_384;

/** A call of grpc-js, at either end. */
export type GrpcCall = ServerDuplexStream<Buffer, Buffer> | ClientDuplexStream<Buffer, Buffer>;

/** What a connection over a call is made of. */
export interface GrpcConnectionParts<Call extends GrpcCall> {
  /** Of which nothing has been read. */
  readonly call: Call;
  readonly peer: PeerInfo;
  readonly settings: StreamSettings;
  readonly runtime: Runtime;
  /** What has left by the socket underneath; undefined while that carries other connections as well. */
  readonly sentBytes: () => number | undefined;
  /**
   * The connection has ended. What holds the call lets go of it.
   *
   * @param how `cut` when nothing of it is worth waiting for
   */
  readonly release: (how: "finish" | "cut") => void;
}

/** Until `closing` this side may send; from `ended` on nothing happens but that what was sent leaves. */
type State =
  | { readonly name: "open" }
  | { readonly name: "closing"; readonly close: Close }
  | { readonly name: "ended" };

interface Held {
  readonly events: readonly (CloudEvent | HawserError)[];
  /** Those before it were delivered. */
  next: number;
  /** Of the message. */
  readonly bytes: number;
}

/**
 * What both ends of a gRPC stream have in common (PROTOCOL.md, gRPC).
 *
 * Either side closes by a last event that says so, because a gRPC client may drop messages that
 * arrive together with a failing status. How a side finishes the stream behind that event, and how
 * it learns that the peer has finished, differs.
 */
export abstract class GrpcConnection<Call extends GrpcCall> implements Connection {
  readonly transport = "grpc";
  readonly peer: PeerInfo;
  protected readonly call: Call;
  protected readonly runtime: Runtime;
  protected readonly writer: BatchWriter;
  /** The peer's close event, if it sent one. */
  protected peerClose: Close | undefined;
  protected maxMessageBytes: number;
  readonly #settings: StreamSettings;
  readonly #release: (how: "finish" | "cut") => void;
  readonly #sentBytes: () => number | undefined;
  #handlers: ConnectionHandlers | undefined;
  #state: State = { name: "open" };
  /** The events of the message that came last. */
  #held: Held = { events: [], next: 0, bytes: 0 };
  #isReading = false;
  #isBlocked = false;
  #isPaused = false;
  #isReadDue = false;
  #isRetiring = false;
  #unheardEnd: ConnectionEnd | undefined;

  constructor({ call, peer, settings, runtime, sentBytes, release }: GrpcConnectionParts<Call>) {
    this.peer = peer;
    this.call = call;
    this.runtime = runtime;
    this.writer = new BatchWriter(
      call,
      runtime.timers,
      () => this.#progressed(),
      (thrown) => this.terminate(HawserError.from(thrown)),
    );
    this.maxMessageBytes = settings.maxFrameBytes;
    this.#settings = settings;
    this.#release = release;
    this.#sentBytes = sentBytes;
    this.#readsOneAhead();
    // What an error means is told by the end of the stream, which follows.
    call.on("error", () => {});
  }

  get bufferedBytes(): number {
    return this.#state.name === "ended" ? 0 : this.writer.bufferedBytes;
  }

  get sentBytes(): number | undefined {
    const bytes = this.#sentBytes();
    return bytes === undefined ? undefined : bytes - (bytes % SENT_UNIT_BYTES);
  }

  /** The close this side has said; undefined while it has not. */
  protected get ownClose(): Close | undefined {
    return this.#state.name === "closing" ? this.#state.close : undefined;
  }

  protected get hasEnded(): boolean {
    return this.#state.name === "ended";
  }

  abstract readonly receivedBytes: number;

  open(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined)
      throw new HawserError("invalid_state", "A connection is opened once, and this one has been.");
    this.#handlers = handlers;
    this.runtime.timers.soon(() => this.guarded(() => this.#beginReading(handlers)));
  }

  send(event: CloudEvent): SendResult {
    if (this.#state.name !== "open") return "closed";
    this.writer.send(protobufBatchCodec.encode([event]));
    const { highWaterBytes, hardLimitBytes } = this.#settings.limits;
    const buffered = this.writer.bufferedBytes;
    if (buffered <= highWaterBytes) return "queued";
    this.#isBlocked = true;
    if (buffered <= hardLimitBytes) return "full";
    this.terminate(new HawserError("slow_consumer", `The peer left ${buffered} bytes unread.`));
    return "closed";
  }

  pause(): void {
    if (this.#handlers === undefined || this.#state.name === "ended") return;
    this.#isPaused = true;
    this.call.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.guarded(() => this.#deliverHeld());
    if (this.#isReading && !this.#isPaused) this.#readOn();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state.name !== "open") return;
    const close = { code, reason: cutCloseReason(reason) };
    this.#state = { name: "closing", close };
    this.sayClose(close);
  }

  terminate(error: HawserError): void {
    this.end({ kind: "lost", error });
  }

  trust(): void {
    this.maxMessageBytes = this.#settings.maxFrameBytes;
  }

  /** Tells the peer, behind everything sent so far. */
  protected abstract sayClose(close: Close): void;

  /** The peer's close event has arrived. Nothing that it sends behind it counts. */
  protected abstract peerClosed(close: Close): void;

  /** A message is there, whole. */
  protected abstract messageArrived(bytes: number): void;

  /** What is to become of the call after this end. */
  protected abstract releaseAfter(end: ConnectionEnd): "finish" | "cut";

  protected sendClose(close: Close): void {
    const envelope = { id: this.runtime.random.uuid(), source: CLOSE_SOURCE };
    this.writer.send(protobufBatchCodec.encode([encodeClose(close, envelope)]));
  }

  /** The other end wants this connection replaced. */
  protected retire(): void {
    if (this.#isRetiring || this.#state.name !== "open") return;
    this.#isRetiring = true;
    if (this.#isReading) this.guarded(() => this.#handlers?.retiring?.());
  }

  /** The close handshake is complete. */
  protected endAnswered(peers: Close): void {
    this.end(answeredEnd(this.ownClose, peers));
  }

  protected end(end: ConnectionEnd): void {
    if (this.#state.name === "ended") return;
    this.#state = { name: "ended" };
    // What still comes is read and thrown away, so that the stream can finish.
    this.#readOn();
    if (end.kind === "lost") this.writer.drop();
    this.#release(this.releaseAfter(end));
    if (this.#isReading) this.#tellEnd(end);
    else this.#unheardEnd = end;
  }

  /** The peer sent what it may not: it is told, and nothing more is expected of it. */
  protected fail(code: CloseCode, reason: string): void {
    this.close(code, reason);
    this.end(closedEnd(this.ownClose ?? { code, reason: cutCloseReason(reason) }, "local"));
  }

  #beginReading(handlers: ConnectionHandlers): void {
    this.#isReading = true;
    if (this.#unheardEnd !== undefined) return this.#tellEnd(this.#unheardEnd);
    this.call.on("data", (message: Buffer) => this.guarded(() => this.#received(message)));
    if (this.#isPaused) this.call.pause();
    else this.#readOn();
    if (this.#isRetiring) this.guarded(() => handlers.retiring?.());
    this.#progressed();
  }

  // A call of grpc-js reads sixteen messages ahead of who reads it, whatever their size. One is enough
  // for flow control to hold the peer back.
  #readsOneAhead(): void {
    const { call } = this;
    const read = call._read.bind(call);
    call._read = (size) => {
      const isHeldBack = this.#state.name !== "ended" && (!this.#isReading || this.#isPaused);
      if (isHeldBack && call.readableLength > 0) this.#isReadDue = true;
      else read(size);
    };
  }

  #readOn(): void {
    this.call.resume();
    if (!this.#isReadDue) return;
    this.#isReadDue = false;
    this.call._read(1);
  }

  #received(message: Buffer): void {
    if (this.#state.name === "ended" || this.peerClose !== undefined) return;
    this.messageArrived(message.length);
    if (message.length > this.maxMessageBytes) {
      const reason = `A message of ${message.length} bytes is above the limit of ${this.maxMessageBytes}.`;
      return this.fail(CLOSE_CODES.frameTooLarge, reason);
    }
    this.#held = { events: this.#decoded(message), next: 0, bytes: message.length };
    this.#deliverHeld();
  }

  /** Of the message that came last; a pause holds what it has left as well. */
  #deliverHeld(): void {
    const { handlers, held } = { handlers: this.#handlers, held: this.#held };
    if (handlers === undefined) return;
    while (held.next < held.events.length && !this.#isPaused) {
      const event = held.events[held.next];
      held.next += 1;
      if (event instanceof HawserError) {
        if (handlers.unreadable === undefined) return this.#refuse(event);
        handlers.unreadable(event, held.bytes);
      } else if (event?.type === CLOSE_EVENT_TYPE) return this.#heardClose(event);
      else if (event !== undefined) handlers.message(event);
      if (this.#hasEndedMeanwhile()) return;
    }
  }

  #decoded(message: Buffer): readonly (CloudEvent | HawserError)[] {
    try {
      return protobufBatchCodec.read(message);
    } catch (thrown) {
      this.#refuse(thrown);
      return [];
    }
  }

  #heardClose(event: CloudEvent): void {
    try {
      this.peerClose = parseClose(event);
    } catch (thrown) {
      return this.#refuse(thrown);
    }
    this.peerClosed(this.peerClose);
  }

  #refuse(thrown: unknown): void {
    const error = HawserError.from(thrown, "invalid_event");
    this.fail(closeCodeFor(error.code), error.message);
  }

  /** A handler, or a bad message, may have ended the connection. */
  #hasEndedMeanwhile(): boolean {
    return this.#state.name === "ended";
  }

  /** Bytes have left; the only news is when that made enough room. */
  #progressed(): void {
    if (!this.#isBlocked || this.#state.name !== "open" || !this.#isReading) return;
    if (this.writer.bufferedBytes > this.#settings.limits.lowWaterBytes) return;
    this.#isBlocked = false;
    this.guarded(() => this.#handlers?.writable());
  }

  /** What is thrown in an event, in a timer or in a handler ends its own connection: there is nobody above who could catch it. */
  protected guarded(step: () => void): void {
    guarded(step, (thrown) => this.terminate(HawserError.from(thrown)));
  }

  #tellEnd(end: ConnectionEnd): void {
    // The connection is gone already, so there is nothing left to end.
    try {
      this.#handlers?.ended(end);
    } catch (thrown) {
      this.runtime.logger.error(
        { err: thrown, transport: this.transport },
        "a handler of the end of a connection threw",
      );
    }
  }
}
