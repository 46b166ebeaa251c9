import { outputLineBytes, type OutputPosition, type OutputWindow } from "@hawser/protocol";
import type { OutputViewer, OutputWatch } from "./output-watches.js";
import { serverSentEvent, serverSentId, type StreamPiece, type StreamSource } from "./stream-source.js";

export interface OutputSourceOptions {
  /** Whether the stream goes on when all there is has been told. */
  readonly follow: boolean;
  /** So many of the last lines to begin with; undefined: all that the agent has. */
  readonly tail: number | undefined;
  /** Where the reader was; undefined begins with what there is. */
  readonly lastEventId: string | undefined;
  /** The reader was told that lines were left out. */
  readonly onGap?: () => void;
}

/** Lines that no viewer will see. */
interface LeftOut {
  readonly lines?: number;
  readonly bytes?: number;
  readonly message: string;
}

const ID = /^([A-Za-z0-9._-]{1,128})-(0|[1-9]\d{0,14})$/;

/** One reader's place in the output of a resource. It holds nothing of its own: a reader that is slow gets the newest there is, and is told what was left out. */
export class OutputStreamSource implements StreamSource, OutputViewer {
  readonly #watch: OutputWatch;
  readonly #options: OutputSourceOptions;
  readonly #askedBy: number;
  #told: OutputPosition | undefined;
  /** Bytes of all lines up to there; undefined where they were told to an earlier stream. */
  #toldBytes: number | undefined;
  #greeted = false;
  #synced = false;
  #seen: OutputWindow | undefined;
  #waitingTold: string | undefined;
  #wake: () => void = () => {};

  constructor(watch: OutputWatch, options: OutputSourceOptions) {
    this.#watch = watch;
    this.#options = options;
    const [, log, line] = ID.exec(options.lastEventId ?? "") ?? [];
    if (log !== undefined) this.#told = { log, line: Number(line) };
    this.#askedBy = watch.join(this);
  }

  get told(): OutputPosition | undefined {
    return this.#told;
  }

  get position(): string | undefined {
    return this.#told === undefined ? undefined : `${this.#told.log}-${this.#told.line}`;
  }

  next(): StreamPiece {
    const text = this.#greeting() + this.#window() + this.#waiting();
    const obstacle = this.#watch.obstacle;
    if (obstacle?.kind === "refused") {
      const { code, message } = obstacle;
      return { kind: "end", text: text + serverSentEvent("refused", { code, message }) };
    }
    if (obstacle?.kind === "gone")
      return { kind: "end", text: text + serverSentEvent("gone", { message: "the resource is gone" }) };
    if (!this.#options.follow && (this.#synced || obstacle !== undefined)) return { kind: "end", text };
    return text === "" ? { kind: "idle" } : { kind: "text", text };
  }

  wake(): void {
    this.#wake();
  }

  onceReady(wake: () => void): () => void {
    this.#wake = wake;
    return () => {
      this.#wake = () => {};
    };
  }

  close(): void {
    this.#watch.leave(this);
  }

  #greeting(): string {
    if (this.#greeted) return "";
    this.#greeted = true;
    return this.position === undefined ? "" : serverSentId(this.position);
  }

  #waiting(): string {
    const { obstacle } = this.#watch;
    const message = obstacle?.kind === "waiting" ? obstacle.message : undefined;
    if (message === this.#waitingTold) return "";
    this.#waitingTold = message;
    return message === undefined ? "" : serverSentEvent("waiting", { message });
  }

  #window(): string {
    const { window } = this.#watch;
    // What an earlier request asked for may begin behind what this reader has not seen.
    if (window === undefined || window === this.#seen || !this.#watch.hasAnswered(this.#askedBy)) return "";
    this.#seen = window;
    const text = this.#told === undefined ? this.#begin(window) : this.#goOn(window, this.#told);
    if (text === undefined) {
      this.#watch.ask();
      return "";
    }
    if (this.#synced) return text;
    this.#synced = true;
    return text + serverSentEvent("synced", {});
  }

  #begin(window: OutputWindow): string {
    const { tail } = this.#options;
    const end = window.line + window.lines.length;
    if (tail !== undefined) return this.#lines(window, Math.max(window.line, end - tail), true);
    return (
      this.#leftOut(window.line, window.bytes, "no longer kept") + this.#lines(window, window.line, true)
    );
  }

  /** Undefined: the agent has lines in between that this window does not show. */
  #goOn(window: OutputWindow, told: OutputPosition): string | undefined {
    if (told.log !== window.log) {
      if (window.line > window.oldest) return undefined;
      const message =
        "the agent counts anew: it or its Task was begun again, and what came in between is not known";
      return this.#gap({ message }) + this.#lines(window, window.line, true);
    }
    if (window.line > told.line) {
      if (window.line > window.oldest) return undefined;
      const bytes = this.#toldBytes === undefined ? undefined : window.bytes - this.#toldBytes;
      const lost = this.#leftOut(window.line - told.line, bytes, "written faster than shown");
      return lost + this.#lines(window, window.line, true);
    }
    return this.#lines(window, told.line, false);
  }

  /** @param isNew whether the reader may not know of which run the first of them is */
  #lines(window: OutputWindow, from: number, isNew: boolean): string {
    const { log, lines, starts } = window;
    const skipped = lines.slice(0, from - window.line);
    const shown = lines.slice(from - window.line);
    this.#told = { log, line: from + shown.length };
    this.#toldBytes = window.bytes + bytesOf(skipped) + bytesOf(shown);
    if (shown.length === 0) return "";
    const running = isNew ? starts.findLast(({ line }) => line < from) : undefined;
    const begun = starts.filter(({ line }) => line >= from);
    const isKnown = running === undefined || begun[0]?.line === from;
    const data = {
      line: from,
      lines: shown,
      starts: isKnown ? begun : [{ line: from, run: running.run }, ...begun],
    };
    return serverSentEvent("output", data, this.position);
  }

  #leftOut(lines: number, bytes: number | undefined, message: string): string {
    return lines === 0 ? "" : this.#gap({ lines, ...(bytes === undefined ? {} : { bytes }), message });
  }

  #gap(leftOut: LeftOut): string {
    this.#options.onGap?.();
    return serverSentEvent("gap", leftOut);
  }
}

function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + outputLineBytes(line), 0);
}
