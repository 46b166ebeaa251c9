import type { Duplex } from "node:stream";
import {
  ABNORMAL_CLOSURE,
  CLOSE_CODES,
  type CloseCode,
  type CloudEvent,
  HawserError,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import {
  bytesReadFrom,
  bytesSentBy,
  type Close,
  type ConnectionEnd,
  ConnectionCore,
  KeepAlive,
  type PeerInfo,
  type StreamSettings,
} from "@hawser/transport";
import { WebSocket } from "ws";
import { closeCodeOfViolation, reasonOfViolation, sayWhyRefused } from "./frame-violation.js";
import { HelloGuard } from "./hello-guard.js";
import type { Framing } from "./subprotocol.js";
import { WriteBatch } from "./write-batch.js";

/** Most bytes one character of a JavaScript string takes in UTF-8. */
const MAX_BYTES_PER_CHARACTER = 3;

/** The code `ws` reports for a close frame that carries none. */
const NO_STATUS = 1005;

export interface WebSocketConnectionOptions {
  /** Open, of which nothing has been read. */
  readonly webSocket: WebSocket;
  /** The socket underneath. */
  readonly socket: Duplex;
  readonly framing: Framing;
  readonly peer: PeerInfo;
  readonly settings: StreamSettings;
  /** The accepting end takes only messages of `LIMITS.maxHelloBytes` until it trusts its peer. */
  readonly accepted: boolean;
  readonly runtime: Pick<Runtime, "timers" | "logger">;
}

/** One WebSocket of the CloudEvents binding (PROTOCOL.md, WebSocket). */
export class WebSocketConnection extends ConnectionCore {
  readonly transport: Framing["transport"];
  readonly takesJson: boolean;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #framing: Framing;
  readonly #highWaterBytes: number;
  readonly #maxFrameBytes: number;
  readonly #batch: WriteBatch;
  readonly #keepAlive: KeepAlive;
  readonly #sendOptions: { readonly binary: boolean; readonly compress: false };
  readonly #onFlushed = (): void => this.guarded(() => this.drained());
  #socketError: Error | undefined;
  /** Until the peer is trusted. */
  #guard: HelloGuard | undefined;

  constructor({ webSocket, socket, framing, peer, settings, accepted, runtime }: WebSocketConnectionOptions) {
    const { limits, maxFrameBytes, keepAliveIntervalMs } = settings;
    super({ peer, limits, maxFrameBytes, accepted, runtime });
    this.transport = framing.transport;
    this.takesJson = framing.transport === "ws-json";
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#framing = framing;
    this.#highWaterBytes = limits.highWaterBytes;
    this.#maxFrameBytes = maxFrameBytes;
    this.#batch = new WriteBatch(socket, runtime.timers);
    this.#keepAlive = new KeepAlive(keepAliveIntervalMs, runtime.timers, {
      bytesRead: () => bytesReadFrom(socket),
      isPaused: () => webSocket.isPaused,
      ping: () => webSocket.ping(),
      dead: (error) => this.terminate(error),
    });
    this.#sendOptions = { binary: framing.binary, compress: false };
    // A peer that is not read yet is held back by TCP, not by a queue here.
    webSocket.pause();
    sayWhyRefused(webSocket, maxFrameBytes);
    socket.on("error", (error) => {
      this.#socketError ??= error;
    });
    webSocket.on("message", (data, isBinary) => this.guarded(() => this.#arrived(data, isBinary)));
    webSocket.on("error", (error) => this.guarded(() => this.#violated(error)));
    webSocket.on("close", (code, reason) => this.guarded(() => this.#closed(code, reason)));
    if (accepted)
      this.#guard = new HelloGuard(socket, runtime.timers, (code, maxBytes) =>
        this.guarded(() => this.#refuse(code, maxBytes)),
      );
  }

  get sentBytes(): number | undefined {
    return bytesSentBy(this.#socket);
  }

  get receivedBytes(): number {
    return bytesReadFrom(this.#socket);
  }

  override trust(): void {
    super.trust();
    this.#guard?.release();
    this.#guard = undefined;
  }

  override send(event: CloudEvent, json?: string): ReturnType<ConnectionCore["send"]> {
    return this.#takesMore ? super.send(event, json) : "closed";
  }

  override close(code: CloseCode, reason: string): void {
    if (this.#takesMore) super.close(code, reason);
  }

  protected override get waitingBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  protected override begin(): void {
    if (this.isOpen) this.#keepAlive.start();
    this.readOn();
  }

  protected override write(event: CloudEvent, json: string | undefined): number {
    const webSocket = this.#webSocket;
    const frame = this.#framing.encode(event, json);
    this.#batch.begin();
    const atMost = webSocket.bufferedAmount + frame.length * MAX_BYTES_PER_CHARACTER;
    if (atMost <= this.#highWaterBytes) {
      webSocket.send(frame, this.#sendOptions);
      return atMost;
    }
    webSocket.send(frame, this.#sendOptions, this.#onFlushed);
    return webSocket.bufferedAmount;
  }

  protected override readOn(): void {
    this.#webSocket.resume();
  }

  protected override holdBack(): void {
    this.#webSocket.pause();
  }

  protected override sayClose({ code, reason }: Close): void {
    this.#keepAlive.stop();
    this.#batch.flush();
    // `ws` closes by itself over a frame that breaks its rules.
    if (this.#takesMore) this.#webSocket.close(code, reason);
  }

  protected override release(end: ConnectionEnd): void {
    this.#keepAlive.stop();
    this.#batch.flush();
    if (end.kind === "lost") this.#webSocket.terminate();
  }

  /** False also after the peer's close: its answer is under way, and `ended` will name its code. */
  get #takesMore(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  #arrived(data: unknown, isBinary: boolean): void {
    if (!this.takesEvents) return;
    if (isBinary !== this.#framing.binary || !Buffer.isBuffer(data)) {
      const wanted = this.#framing.binary ? "binary" : "text";
      return this.fail(CLOSE_CODES.unsupportedData, `This subprotocol uses ${wanted} messages.`);
    }
    // A message that came in one read has passed the guard unseen.
    if (data.length > this.maxMessageBytes)
      return this.#refuse(CLOSE_CODES.frameTooLarge, this.maxMessageBytes);
    let event: CloudEvent;
    try {
      event = this.#framing.decode(data);
    } catch (thrown) {
      return this.unreadable(HawserError.from(thrown, "invalid_event"), data.length);
    }
    this.received(event);
  }

  /** `ws` found a frame that breaks RFC 6455 and has begun to close with the code for it. */
  #violated(error: Error): void {
    const code = closeCodeOfViolation(error);
    if (code !== undefined) this.fail(code, reasonOfViolation(code, this.#maxFrameBytes));
  }

  /** A message is too large for a peer that is not trusted yet. */
  #refuse(code: CloseCode, maxBytes: number): void {
    if (this.hasEnded) return;
    this.fail(code, reasonOfViolation(code, maxBytes));
    this.#guard?.stopReading();
    // The peer's answer is no longer read: the end of its stream is enough.
    this.#socket.end();
  }

  /** What the `close` event of `ws` means (RFC 6455, section 7.1.5). */
  #closed(code: number, said: Buffer): void {
    if (code === ABNORMAL_CLOSURE) return this.endBroken(brokenOff(this.#socketError));
    const close = { code, reason: said.toString() };
    // A close frame without a code answers whatever this side said.
    this.closeReceived(code === NO_STATUS ? (this.ownClose ?? close) : close);
  }
}

function brokenOff(cause: Error | undefined): HawserError {
  const what = cause === undefined ? "" : ` (${cause.message})`;
  const message = `The connection ended without a close handshake${what}.`;
  return new HawserError("connection_closed", message, { cause });
}
