import type { Duplex } from "node:stream";
import {
  ABNORMAL_CLOSURE,
  CLOSE_CODES,
  type CloseCode,
  closeCodeFor,
  type CloudEvent,
  HawserError,
  LIMITS,
  nackKey,
} from "@hawser/protocol";
import { guarded, type Runtime, type Timers } from "@hawser/runtime";
import {
  bytesReadFrom,
  bytesSentBy,
  type Connection,
  type ConnectionEnd,
  type ConnectionHandlers,
  cutCloseReason,
  KeepAlive,
  type PeerInfo,
  type SendResult,
  type StreamSettings,
} from "@hawser/transport";
import { WebSocket } from "ws";
import { closeCodeOfViolation, reasonOfViolation, sayWhyRefused } from "./frame-violation.js";
import { HelloGuard } from "./hello-guard.js";
import { endOfStream, type StreamState } from "./stream-state.js";
import type { Framing } from "./subprotocol.js";
import { WriteBatch } from "./write-batch.js";

/** Most bytes one character of a JavaScript string takes in UTF-8. */
const MAX_BYTES_PER_CHARACTER = 3;

export interface WebSocketConnectionOptions {
  /** Open, of which nothing has been read. */
  readonly webSocket: WebSocket;
  /** The socket underneath. */
  readonly socket: Duplex;
  readonly framing: Framing;
  readonly peer: PeerInfo;
  readonly settings: StreamSettings;
  /** The accepting end, which takes only messages of `LIMITS.maxHelloBytes` until it trusts its peer. */
  readonly accepted: boolean;
  readonly runtime: Pick<Runtime, "clock" | "timers">;
}

/** One WebSocket of the CloudEvents binding (PROTOCOL.md, WebSocket). */
export class WebSocketConnection implements Connection {
  readonly transport: Framing["transport"];
  readonly peer: PeerInfo;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #framing: Framing;
  readonly #settings: StreamSettings;
  readonly #timers: Timers;
  readonly #batch: WriteBatch;
  readonly #keepAlive: KeepAlive;
  readonly #sendOptions: { readonly binary: boolean; readonly compress: false };
  readonly #onFlushed: () => void;
  /** What came before `open`: at most what the paused socket had read ahead when it broke. */
  readonly #early: ((handlers: ConnectionHandlers) => void)[] = [];
  /** What was read with what came before a pause: at most what one read of the socket brings. */
  #held: Buffer[] = [];
  /** So many of those. */
  #delivered = 0;
  #isPaused = false;
  /** It came behind what is held, or during a pause. */
  #heldClose: { readonly code: number; readonly reason: Buffer } | undefined;
  #handlers: ConnectionHandlers | undefined;
  #state: StreamState = { name: "open" };
  #blocked = false;
  #unheardEnd: ConnectionEnd | undefined;
  #socketError: Error | undefined;
  /** Until the peer is trusted. */
  #guard: HelloGuard | undefined;

  constructor({ webSocket, socket, framing, peer, settings, accepted, runtime }: WebSocketConnectionOptions) {
    this.transport = framing.transport;
    this.peer = peer;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#framing = framing;
    this.#settings = settings;
    this.#timers = runtime.timers;
    this.#batch = new WriteBatch(socket, runtime.timers);
    this.#keepAlive = new KeepAlive(settings.keepAliveIntervalMs, runtime.timers, {
      bytesRead: () => bytesReadFrom(socket),
      isPaused: () => webSocket.isPaused,
      ping: () => webSocket.ping(),
      dead: (error) => this.#safely(() => this.terminate(error)),
    });
    this.#sendOptions = { binary: framing.binary, compress: false };
    this.#onFlushed = () => this.#safely(() => this.#flushed());
    // A peer that is not read yet is held back by TCP, not by a queue here.
    webSocket.pause();
    sayWhyRefused(webSocket, settings.maxFrameBytes);
    socket.on("error", (error) => {
      this.#socketError ??= error;
    });
    webSocket.on("message", (data, isBinary) => this.#safely(() => this.#received(data, isBinary)));
    webSocket.on("error", (error) => this.#safely(() => this.#violated(error)));
    webSocket.on("close", (code, reason) => this.#safely(() => this.#closed(code, reason)));
    if (accepted)
      this.#guard = new HelloGuard(socket, runtime.timers, (code, maxBytes) =>
        this.#safely(() => this.#refuse(code, maxBytes)),
      );
  }

  get bufferedBytes(): number {
    return this.#state.name === "ended" ? 0 : this.#webSocket.bufferedAmount;
  }

  get takesJson(): boolean {
    return this.#framing.transport === "ws-json";
  }

  get sentBytes(): number | undefined {
    return bytesSentBy(this.#socket);
  }

  get receivedBytes(): number {
    return bytesReadFrom(this.#socket);
  }

  open(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined)
      throw new HawserError("invalid_state", "A connection is opened once, and this one has been.");
    this.#handlers = handlers;
    this.#webSocket.resume();
    if (this.#state.name === "open") this.#keepAlive.start();
    this.#timers.soon(() => this.#safely(() => this.#catchUp(handlers)));
  }

  trust(): void {
    this.#guard?.release();
    this.#guard = undefined;
  }

  send(event: CloudEvent, json?: string): SendResult {
    const webSocket = this.#webSocket;
    if (this.#state.name !== "open" || webSocket.readyState !== WebSocket.OPEN) return "closed";
    const { highWaterBytes, hardLimitBytes } = this.#settings.limits;
    const frame = this.#framing.encode(event, json);
    this.#batch.begin();
    if (webSocket.bufferedAmount + frame.length * MAX_BYTES_PER_CHARACTER <= highWaterBytes) {
      webSocket.send(frame, this.#sendOptions);
      return "queued";
    }
    webSocket.send(frame, this.#sendOptions, this.#onFlushed);
    const buffered = webSocket.bufferedAmount;
    if (buffered <= highWaterBytes) return "queued";
    this.#blocked = true;
    if (buffered <= hardLimitBytes) return "full";
    this.terminate(new HawserError("slow_consumer", `The peer left ${buffered} bytes unread.`));
    return "closed";
  }

  pause(): void {
    if (this.#handlers === undefined || this.#state.name === "ended") return;
    this.#isPaused = true;
    this.#webSocket.pause();
  }

  resume(): void {
    if (this.#handlers === undefined) return;
    this.#isPaused = false;
    this.#safely(() => this.#deliverHeld());
    if (!this.#mustHold()) this.#webSocket.resume();
  }

  close(code: CloseCode, reason: string): void {
    // Where the peer's close came first, its answer is on the way and `ended` will name the peer's code.
    if (this.#state.name !== "open" || this.#webSocket.readyState !== WebSocket.OPEN) return;
    this.#startClosing("closing", code, cutCloseReason(reason));
  }

  terminate(error: HawserError): void {
    if (this.#state.name === "ended") return;
    this.#end({ kind: "lost", error });
    this.#webSocket.terminate();
  }

  /** What throws in an event of this connection ends this connection. */
  #safely(step: () => void): void {
    guarded(step, (thrown) =>
      guarded(
        () => this.terminate(HawserError.from(thrown)),
        // Its owner throws even as it hears of the end: nothing is left but to cut it.
        () => this.#webSocket.terminate(),
      ),
    );
  }

  #received(data: unknown, isBinary: boolean): void {
    if (!this.#takesMessages()) return;
    if (isBinary !== this.#framing.binary || !Buffer.isBuffer(data)) {
      const wanted = this.#framing.binary ? "binary" : "text";
      this.#startClosing("failing", CLOSE_CODES.unsupportedData, `This subprotocol uses ${wanted} messages.`);
      return;
    }
    // A message that came whole in one read was read before the guard saw it.
    if (this.#guard !== undefined && data.length > LIMITS.maxHelloBytes) {
      this.#refuse(CLOSE_CODES.frameTooLarge, LIMITS.maxHelloBytes);
      return;
    }
    if (this.#mustHold()) this.#held.push(data);
    else this.#deliver(data);
  }

  /** A pause holds what was read already as well: a peer may put thousands of messages into one read. */
  #mustHold(): boolean {
    return this.#isPaused || this.#held.length > 0;
  }

  #deliverHeld(): void {
    // Each may pause it again, resume it from within, or end it.
    while (this.#delivered < this.#held.length && !this.#isPaused && this.#takesMessages()) {
      const data = this.#held[this.#delivered];
      this.#delivered += 1;
      if (data !== undefined) this.#deliver(data);
    }
    if (this.#delivered < this.#held.length && this.#takesMessages()) return;
    this.#held = [];
    this.#delivered = 0;
    if (this.#heldClose === undefined || this.#isPaused) return;
    const { code, reason } = this.#heldClose;
    this.#closed(code, reason);
  }

  #takesMessages(): boolean {
    return this.#state.name === "open" || this.#state.name === "closing";
  }

  #deliver(data: Buffer): void {
    let event: CloudEvent;
    try {
      event = this.#framing.decode(data);
    } catch (thrown) {
      this.#unreadable(HawserError.from(thrown, "invalid_event"), data.length);
      return;
    }
    if (this.#handlers === undefined) this.#early.push((handlers) => handlers.message(event));
    else this.#handlers.message(event);
  }

  #unreadable(error: HawserError, bytes: number): void {
    if (this.#handlers === undefined) {
      this.#early.push(() => this.#unreadable(error, bytes));
      return;
    }
    if (nackKey(error) !== undefined && this.#handlers.unreadable !== undefined)
      this.#handlers.unreadable(error, bytes);
    else this.#startClosing("failing", closeCodeFor(error.code), cutCloseReason(error.message));
  }

  #startClosing(name: "closing" | "failing", code: number, reason: string): void {
    this.#state = { name, code, reason };
    this.#keepAlive.stop();
    this.#batch.flush();
    this.#webSocket.close(code, reason);
  }

  /** `ws` found a frame that breaks the rules of WebSocket and has begun to close with the code RFC 6455 gives it. */
  #violated(error: Error): void {
    const code = closeCodeOfViolation(error);
    if (code === undefined || this.#state.name === "ended" || this.#state.name === "failing") return;
    this.#state = { name: "failing", code, reason: reasonOfViolation(code, this.#settings.maxFrameBytes) };
    this.#keepAlive.stop();
    this.#batch.flush();
  }

  /** A message that is too much from a peer that is not known yet. */
  #refuse(code: CloseCode, maxBytes: number): void {
    if (this.#state.name === "ended") return;
    if (this.#state.name !== "failing")
      this.#startClosing("failing", code, reasonOfViolation(code, maxBytes));
    this.#guard?.stopReading();
    // The peer's answer is not read any more: the end of its stream is enough.
    this.#socket.end();
  }

  #closed(code: number, reason: Buffer): void {
    if (this.#state.name === "ended") return;
    // A close handshake comes behind what was sent before it; a connection that broke has lost what nobody had seen.
    if (code !== ABNORMAL_CLOSURE && this.#mustHold() && this.#takesMessages()) {
      this.#heldClose = { code, reason };
      return;
    }
    this.#end(endOfStream(this.#state, code, reason.toString(), this.#socketError));
  }

  #end(end: ConnectionEnd): void {
    this.#state = { name: "ended" };
    this.#held = [];
    this.#keepAlive.stop();
    this.#batch.flush();
    if (this.#handlers === undefined || this.#early.length > 0) this.#unheardEnd = end;
    else this.#handlers.ended(end);
  }

  #catchUp(handlers: ConnectionHandlers): void {
    for (const tell of this.#early.splice(0)) tell(handlers);
    if (this.#unheardEnd !== undefined) handlers.ended(this.#unheardEnd);
    else this.#flushed();
  }

  /** Everything up to some `send` has left; the only news is when that made enough room. */
  #flushed(): void {
    if (!this.#blocked || this.#state.name !== "open" || this.#handlers === undefined) return;
    if (this.#webSocket.bufferedAmount > this.#settings.limits.lowWaterBytes) return;
    this.#blocked = false;
    this.#handlers.writable();
  }
}
