import { outputLineBytes, type OutputPosition, type OutputWindow } from "@hawser/protocol";

/** Lines kept, whatever their length. */
const MAX_LOG_LINES = 1_000;

interface LoggedLine {
  readonly text: string;
  readonly bytes: number;
  readonly run: number;
}

/** What of the output is shown: the rest of it, whose beginning the one who asked has already. */
export type ShownOutput = Omit<OutputWindow, "request">;

/**
 * The last lines of a Task over all its runs, for whoever asks for them; bounded in bytes and lines, and counted from the first line on, so that what was dropped can be told. Not kept over a restart of the
 * agent: then another log begins.
 */
export class OutputLog {
  readonly #log: string;
  readonly #maxBytes: number;
  readonly #lines: LoggedLine[] = [];
  #keptBytes = 0;
  /** Before the oldest line that is kept. */
  #dropped = { lines: 0, bytes: 0 };
  #run = 0;

  /** @param log tells this count of lines from another one */
  constructor(log: string, maxBytes: number) {
    this.#log = log;
    this.#maxBytes = maxBytes;
  }

  /** Lines from here on are of this run; 0 is the first. */
  begin(run: number): void {
    this.#run = run;
  }

  /** @param leftOut characters of the line that were not kept */
  add(line: string, leftOut: number): void {
    const text = leftOut === 0 ? line : `${line} ... ${leftOut} characters left out`;
    const bytes = outputLineBytes(text);
    this.#lines.push({ text, bytes, run: this.#run });
    this.#keptBytes += bytes;
    while (this.#lines.length > MAX_LOG_LINES || this.#keptBytes > this.#maxBytes) this.#drop();
  }

  /** What lies behind a position of this log; everything there is without one, or with one of another log. */
  after(position: OutputPosition | undefined): ShownOutput {
    const oldest = this.#dropped.lines;
    const end = oldest + this.#lines.length;
    const known = position?.log === this.#log ? position.line : 0;
    const line = Math.min(Math.max(known, oldest), end);
    const before = this.#lines.slice(0, line - oldest);
    const shown = this.#lines.slice(line - oldest);
    let run = before.at(-1)?.run;
    const starts = shown.flatMap((each, index) => {
      if (each.run === run) return [];
      run = each.run;
      return [{ line: line + index, run: each.run }];
    });
    return {
      log: this.#log,
      oldest,
      line,
      bytes: before.reduce((sum, { bytes }) => sum + bytes, this.#dropped.bytes),
      lines: shown.map(({ text }) => text),
      starts,
    };
  }

  #drop(): void {
    const bytes = this.#lines.shift()?.bytes ?? 0;
    this.#keptBytes -= bytes;
    this.#dropped = { lines: this.#dropped.lines + 1, bytes: this.#dropped.bytes + bytes };
  }
}
