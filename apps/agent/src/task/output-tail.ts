import { StringDecoder } from "node:string_decoder";

/** Characters kept of one line; the rest of the line is dropped. */
const MAX_LINE_LENGTH = 1_000;

/** The last lines of a process, stdout and stderr in the order they arrived. Memory is bounded by lines times line length. */
export class OutputTail {
  readonly #maxLines: number;
  readonly #onLine: (line: string, leftOut: number) => void;
  #lines: string[] = [];

  /** @param onLine called with each line, and how many characters of it were not kept */
  constructor(maxLines: number, onLine: (line: string, leftOut: number) => void) {
    this.#maxLines = maxLines;
    this.#onLine = onLine;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** A sink for one stream: hand it each chunk, then undefined at the end. */
  stream(): (chunk: Buffer | undefined) => void {
    const decoder = new StringDecoder("utf8");
    const line = new PartialLine();
    return (chunk) => {
      const pieces = (chunk === undefined ? decoder.end() : decoder.write(chunk)).split("\n");
      const last = pieces.pop() ?? "";
      for (const piece of pieces) {
        line.add(piece);
        this.#push(line);
      }
      line.add(last);
      if (chunk === undefined && line.text !== "") this.#push(line);
    };
  }

  #push(partial: PartialLine): void {
    const { text, leftOut } = partial;
    partial.clear();
    const line = text.replace(/\r$/, "");
    this.#lines.push(line);
    if (this.#lines.length > this.#maxLines) this.#lines.shift();
    this.#onLine(line, leftOut);
  }
}

/** A line that is still being written, as far as it is kept. */
class PartialLine {
  text = "";
  /** Characters beyond those that are kept. */
  leftOut = 0;

  add(piece: string): void {
    const room = MAX_LINE_LENGTH - this.text.length;
    this.text += piece.slice(0, room);
    this.leftOut += Math.max(0, piece.length - room);
  }

  clear(): void {
    this.text = "";
    this.leftOut = 0;
  }
}
