import type { Timers } from "@hawser/runtime";
import type { StreamPiece, StreamSource } from "./stream-source.js";

/** A silent stream says this often that it is there; below the idle timeouts of load balancers, and what readers may rely on. */
export const KEEP_ALIVE_MS = 15_000;

export interface StreamParts {
  readonly timers: Timers;
  /** The stream is to end once what there is has been told. */
  readonly ending: AbortSignal;
  /** Called once, when it has ended or its reader has gone. */
  readonly onEnded: () => void;
  /** The source failed, and the stream ends for it. */
  readonly onFailed: (thrown: unknown) => void;
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // Proxies that collect answers before they pass them on would make a live stream an old one (nginx and those that follow it).
  "x-accel-buffering": "no",
} as const;

/** A source as an answer. Its next piece is made when the one before has been handed to the connection. */
export function streamResponse(source: StreamSource, parts: StreamParts): Response {
  const stream = new EventStream(source, parts);
  const body = new ReadableStream<Uint8Array>(
    { pull: (controller) => stream.pull(controller), cancel: () => stream.close() },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: HEADERS });
}

class EventStream {
  readonly #source: StreamSource;
  readonly #parts: StreamParts;
  readonly #encoder = new TextEncoder();
  /** Ends the wait for something to tell. */
  #stopWaiting: () => void = () => {};
  #closed = false;

  constructor(source: StreamSource, parts: StreamParts) {
    this.#source = source;
    this.#parts = parts;
    parts.ending.addEventListener("abort", this.#onEnding);
  }

  readonly #onEnding = (): void => this.#stopWaiting();

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const piece = await this.#untilToldOrEnded();
    if (this.#closed) return;
    if (piece.text !== "") controller.enqueue(this.#encoder.encode(piece.text));
    if (piece.kind === "text") return;
    this.close();
    controller.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.ending.removeEventListener("abort", this.#onEnding);
    this.#stopWaiting();
    this.#source.close();
    this.#parts.onEnded();
  }

  async #untilToldOrEnded(): Promise<Exclude<StreamPiece, { kind: "idle" }>> {
    let isSilent = false;
    // From the last word told, not from the last time the source woke: what wakes it may be for others.
    const silence = this.#parts.timers.after(KEEP_ALIVE_MS, () => {
      isSilent = true;
      this.#stopWaiting();
    });
    try {
      while (!this.#closed) {
        // Before the question, so that nothing is missed that comes between the answer and the wait for more.
        const more = this.#untilMore();
        const piece = await this.#source.next();
        if (piece.kind === "idle" && !this.#parts.ending.aborted) {
          await more;
          if (isSilent) return { kind: "text", text: this.#keepAlive() };
          continue;
        }
        this.#stopWaiting();
        if (piece.kind === "idle") break;
        if (piece.text !== "") return piece;
      }
    } catch (thrown) {
      this.#stopWaiting();
      this.#parts.onFailed(thrown);
    } finally {
      silence.cancel();
    }
    return { kind: "end", text: "" };
  }

  /** Until the source has more, the stream shall end, or nothing was told for long. */
  #untilMore(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stopWaiting = () => {};
        forget();
        resolve();
      };
      const forget = this.#source.onceReady(done);
      this.#stopWaiting = done;
    });
  }

  /** With the id, so that a reader of few steps is not behind by all the others when it comes back. */
  #keepAlive(): string {
    const { position } = this.#source;
    return position === undefined ? ": keep-alive\n\n" : `: keep-alive\nid: ${position}\n\n`;
  }
}
