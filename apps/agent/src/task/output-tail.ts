import { StringDecoder } from "node:string_decoder";

/** Characters kept of one line; the rest of the line is dropped. */
const MAX_LINE_LENGTH = 1_000;

/** The last lines of a process, stdout and stderr in the order they arrived. Memory is bounded by lines times line length. */
export class OutputTail {
  readonly #maxLines: number;
  readonly #onLine: (line: string) => void;
  #lines: string[] = [];

  constructor(maxLines: number, onLine: (line: string) => void) {
    this.#maxLines = maxLines;
    this.#onLine = onLine;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** A sink for one stream: hand it each chunk, then undefined at the end. */
  stream(): (chunk: Buffer | undefined) => void {
    const decoder = new StringDecoder("utf8");
    let partial = "";
    return (chunk) => {
      const pieces = (partial + (chunk === undefined ? decoder.end() : decoder.write(chunk))).split("\n");
      partial = (pieces.pop() ?? "").slice(0, MAX_LINE_LENGTH);
      for (const piece of pieces) this.#push(piece);
      if (chunk !== undefined || partial === "") return;
      this.#push(partial);
      partial = "";
    };
  }

  #push(piece: string): void {
    const line = piece.slice(0, MAX_LINE_LENGTH).replace(/\r$/, "");
    this.#lines.push(line);
    if (this.#lines.length > this.#maxLines) this.#lines.shift();
    this.#onLine(line);
  }
}
