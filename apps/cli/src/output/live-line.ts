import { printableLine } from "@hawser/runtime";
import type { Terminal } from "../terminal.js";

/** One line on standard error that tells where a command is: drawn over on a terminal, one line per change elsewhere. */
export class LiveLine {
  readonly #terminal: Terminal;
  #last = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** @param live what is shown on a terminal, such as a clock; @param plain what is worth a line in a log when it changes */
  show(live: string, plain: string): void {
    if (this.#terminal.errIsTerminal) {
      const width = Math.max(20, this.#terminal.columns - 1);
      this.#terminal.redrawErrLine(printableLine(live).slice(0, width));
    } else if (plain !== this.#last) this.#terminal.err(plain);
    this.#last = plain;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#terminal.errIsTerminal && this.#last !== "") this.#terminal.redrawErrLine("");
    this.#last = "";
  }
}
