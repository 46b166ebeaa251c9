import { pause, type Timers } from "@hawser/runtime";
import type { Terminal } from "../terminal.js";
import { keysOf, type Key } from "./list-keys.js";
import { cutLine } from "./style.js";

/** A whole screen that is drawn over, until q, Ctrl-C or a reader that has gone. */
export class LiveScreen {
  readonly #terminal: Terminal;
  readonly #stopKeys: () => void;
  #wake: () => void = () => {};
  /** Aborted when whoever looks has seen enough. */
  readonly ended: AbortSignal;

  /** Takes the screen: what may fail at the first try is tried before, so that people read it where they read errors. @param onKey hears of every other key; then a `pause` ends */
  constructor(terminal: Terminal, onKey: (key: Exclude<Key, "quit">) => void) {
    this.#terminal = terminal;
    const quit = new AbortController();
    this.#stopKeys = terminal.inIsTerminal
      ? terminal.onKey((chunk) => {
          for (const key of keysOf(chunk)) {
            if (key === "quit") quit.abort();
            else onKey(key);
          }
          this.#wake();
        })
      : () => {};
    this.ended = AbortSignal.any([quit.signal, terminal.interrupted, terminal.readerGone]);
    terminal.enterScreen();
  }

  /** Resolves after a while, at a key, or when it has ended. */
  async pause(timers: Timers, delayMs: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await pause(timers, delayMs, AbortSignal.any([this.ended, woken.signal]));
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
