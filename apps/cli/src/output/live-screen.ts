import type { Terminal } from "../terminal.js";
import { cutLine } from "./style.js";

/** A whole screen that is drawn over, until q, Ctrl-C or a reader that has gone. */
export class LiveScreen {
  readonly #terminal: Terminal;
  readonly #stopKeys: () => void;
  /** Aborted when whoever looks has seen enough. */
  readonly ended: AbortSignal;

  /** Takes the screen: what may fail at the first try is tried before, so that people read it where they read errors. */
  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    const quit = new AbortController();
    this.#stopKeys = terminal.inIsTerminal
      ? terminal.onKey((key) => {
          if (key === "q" || key === "\u0003") quit.abort();
        })
      : () => {};
    this.ended = AbortSignal.any([quit.signal, terminal.interrupted, terminal.readerGone]);
    terminal.enterScreen();
  }

  /** As many lines as there is room for, each as far as it fits. */
  draw(lines: readonly string[]): void {
    const { rows, columns } = this.#terminal;
    this.#terminal.drawScreen(lines.slice(0, rows).map((line) => cutLine(line, columns)));
  }

  /** Gives the screen back. */
  leave(): void {
    this.#stopKeys();
    this.#terminal.leaveScreen();
  }
}
