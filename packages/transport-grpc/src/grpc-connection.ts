import type { ServerDuplexStream, ClientDuplexStream } from "@grpc/grpc-js";
import {
  CLOSE_EVENT_TYPE,
  encodeClose,
  HawserError,
  parseClose,
  protobufBatchCodec,
  type CloudEvent,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import {
  type Close,
  type ConnectionEnd,
  ConnectionCore,
  type PeerInfo,
  type StreamSettings,
} from "@hawser/transport";
import { BatchWriter } from "./batch-writer.js";

/** Who says that a stream closes: the `source` of its close event. */
const CLOSE_SOURCE = "/hawser/transport-grpc";

/** Fewer bytes than this may be overhead of the socket: pings, and flow control. */
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
  /** Bytes sent by the socket underneath; undefined while it carries other connections as well. */
  readonly sentBytes: () => number | undefined;
  /**
   * The connection has ended. What holds the call lets go of it.
   *
   * @param how `cut` when nothing of it is worth waiting for
   */
  readonly release: (how: "finish" | "cut") => void;
}

/**
 * What both ends of a gRPC stream have in common (PROTOCOL.md, gRPC).
 *
 * Either side closes by a last event that says so, because a gRPC client may drop messages that
 * arrive together with a failing status. How a side finishes the stream behind that event, and how
 * it learns that the peer has finished, differs (README, How the code lies).
 */
export abstract class GrpcConnection<Call extends GrpcCall> extends ConnectionCore {
  readonly transport = "grpc";
  protected readonly call: Call;
  protected readonly runtime: Runtime;
  protected readonly writer: BatchWriter;
  readonly #release: (how: "finish" | "cut") => void;
  readonly #sentBytes: () => number | undefined;
  #isReadDue = false;
  /** The events of a message are delivered, one after the other. */
  #isDelivering = false;

  constructor(
    { call, peer, settings, runtime, sentBytes, release }: GrpcConnectionParts<Call>,
    accepted: boolean,
  ) {
    super({ peer, limits: settings.limits, maxFrameBytes: settings.maxFrameBytes, accepted, runtime });
    this.call = call;
    this.runtime = runtime;
    this.writer = new BatchWriter(
      call,
      runtime.timers,
      () => this.drained(),
      (thrown) => this.faulted(thrown),
    );
    this.#release = release;
    this.#sentBytes = sentBytes;
    this.#readsOneAhead();
    call.pause();
    call.on("data", (message: Buffer) => this.guarded(() => this.#arrived(message)));
    // What an error means is told by the end of the stream, which follows.
    call.on("error", () => {});
  }

  get sentBytes(): number | undefined {
    const bytes = this.#sentBytes();
    return bytes === undefined ? undefined : bytes - (bytes % SENT_UNIT_BYTES);
  }

  abstract readonly receivedBytes: number;

  /** A message is there, whole. */
  protected abstract messageArrived(bytes: number): void;

  /** What is to become of the call after this end. */
  protected abstract releaseAfter(end: ConnectionEnd): "finish" | "cut";

  protected sendClose(close: Close): void {
    const envelope = { id: this.runtime.random.uuid(), source: CLOSE_SOURCE };
    this.writer.send(protobufBatchCodec.encode([encodeClose(close, envelope)]));
  }

  protected override get waitingBytes(): number {
    return this.writer.bufferedBytes;
  }

  /** Later: grpc-js may hand a message over at once. */
  protected override begin(): void {
    this.runtime.timers.soon(() =>
      this.guarded(() => {
        if (!this.isHeldBack) this.readOn();
      }),
    );
  }

  protected override write(event: CloudEvent): number {
    this.writer.send(protobufBatchCodec.encode([event]));
    return this.writer.bufferedBytes;
  }

  protected override readOn(): void {
    this.call.resume();
    this.#readIfDue();
  }

  protected override holdBack(): void {
    this.call.pause();
  }

  protected override release(end: ConnectionEnd): void {
    // What still comes is read and thrown away, so that the stream can finish.
    this.readOn();
    if (end.kind === "lost") this.writer.drop();
    this.#release(this.releaseAfter(end));
  }

  /** Nothing more is expected of a peer that was told. */
  protected override fail(code: number, reason: string): void {
    super.fail(code, reason);
    this.endAnswered({ code, reason });
  }

  // A call of grpc-js reads sixteen messages ahead, whatever their size. One suffices for flow
  // control to hold the peer back.
  #readsOneAhead(): void {
    const { call } = this;
    const read = call._read.bind(call);
    call._read = (size) => {
      if (this.isHeldBack && !this.hasEnded && call.readableLength > 0) this.#isReadDue = true;
      else read(size);
    };
  }

  #arrived(message: Buffer): void {
    if (!this.takesEvents) return;
    this.messageArrived(message.length);
    if (!this.admits(message.length)) return;
    this.#isDelivering = true;
    try {
      for (const event of decoded(message)) this.#eventArrived(event, message.length);
    } finally {
      this.#isDelivering = false;
    }
    if (!this.isHeldBack || this.hasEnded) this.#readIfDue();
  }

  #eventArrived(event: CloudEvent | HawserError, bytes: number): void {
    if (event instanceof HawserError) return this.unreadable(event, bytes);
    if (event.type !== CLOSE_EVENT_TYPE) return this.received(event);
    const close = closeOf(event);
    if (close instanceof HawserError) this.unreadable(close, bytes);
    else this.closeReceived(close);
  }

  // grpc-js hands over the next message at once where it has one, and that is behind this one.
  #readIfDue(): void {
    if (!this.#isReadDue || this.#isDelivering) return;
    this.#isReadDue = false;
    this.call._read(1);
  }
}

/** A message that cannot be read is one error; without a key it closes the connection. */
function decoded(message: Buffer): readonly (CloudEvent | HawserError)[] {
  try {
    return protobufBatchCodec.read(message);
  } catch (thrown) {
    return [HawserError.from(thrown, "invalid_event")];
  }
}

function closeOf(event: CloudEvent): Close | HawserError {
  try {
    return parseClose(event);
  } catch (thrown) {
    return HawserError.from(thrown, "invalid_event");
  }
}
