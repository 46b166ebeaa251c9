import type { Random } from "@hawser/runtime";
import { createStyle, PLAIN, type Style } from "./output/style.js";

/**
 * Where a command reads and writes; tests give their own. Every way out takes text and gives it to the style to render, so that nothing an agent or a principal
 * says is obeyed by a terminal; only what is named here moves a cursor.
 */
export interface Terminal {
  /** Results, line by line. */
  out(text: string): void;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
  /** The whole screen of standard output: taken, drawn over line by line, and given back as it was. */
  enterScreen(): void;
  drawScreen(lines: readonly string[]): void;
  leaveScreen(): void;
  /**
   * The last line of standard error, drawn over; empty text takes it away. What is printed meanwhile stands above it, so that nothing of it stays behind. Only
   * where standard error is a terminal.
   */
  redrawErrLine(text: string): void;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  readonly inIsTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Of results and of everything else; plain where nobody looks, and with NO_COLOR. */
  readonly style: Style;
  readonly errStyle: Style;
  /** Aborted when nobody reads results any more (`hawser events --follow | head`). */
  readonly readerGone: AbortSignal;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly interrupted: AbortSignal;
  readInput(): Promise<string>;
  /** Asks a yes-or-no question. Only with terminals on both sides. */
  confirm(question: string): Promise<boolean>;
  /** Lends the terminal to an editor, whose Ctrl-C is its own. @param command for a shell, such as `code --wait` @returns its exit code, null when a signal ended it */
  runEditor(command: string, file: string): Promise<number | null>;
  /** What keys send, unechoed, until what is answered is called. Only with a terminal to read from. */
  onKey(listener: (chunk: string) => void): () => void;
}

/** The alternate screen of a terminal (xterm control sequences, DECSET 1049), so that what was there before is there afterwards. */
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const BELOW = "\u001b[J";
const END_OF_LINE = "\u001b[K";
const START_OF_EMPTY_LINE = "\r\u001b[2K";

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/**
 * The terminal of this process. A reader that has gone (`hawser apply ... | head`) ends neither the command nor what it is in the middle of: what is left to
 * say goes nowhere. A command that only shows things ends by `readerGone`.
 */
export class ProcessTerminal implements Terminal {
  readonly outIsTerminal = process.stdout.isTTY === true;
  readonly errIsTerminal = process.stderr.isTTY === true;
  readonly inIsTerminal = process.stdin.isTTY === true;
  readonly style: Style;
  readonly errStyle: Style;
  readonly #readerGone = new AbortController();
  readonly #interrupted = new AbortController();
  /** The last line of standard error, as it was drawn. */
  #live = "";
  /** An editor has the terminal. */
  #isLent = false;

  constructor(random: Random) {
    this.style = styleOf(this.outIsTerminal, random);
    this.errStyle = styleOf(this.errIsTerminal, random);
    for (const stream of [process.stdout, process.stderr]) {
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE") throw error;
        if (stream === process.stdout) this.#readerGone.abort();
      });
    }
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => this.#interrupt(signal));
  }

  get columns(): number {
    return this.#seen.columns || DEFAULT_COLUMNS;
  }

  get rows(): number {
    return this.#seen.rows || DEFAULT_ROWS;
  }

  get readerGone(): AbortSignal {
    return this.#readerGone.signal;
  }

  get interrupted(): AbortSignal {
    return this.#interrupted.signal;
  }

  out(text: string): void {
    this.#printAboveLive(process.stdout, this.style.render(text));
  }

  err(text: string): void {
    this.#printAboveLive(process.stderr, this.errStyle.render(text));
  }

  enterScreen(): void {
    process.stdout.write(ENTER);
  }

  drawScreen(lines: readonly string[]): void {
    const drawn = lines.map((line) => this.style.render(line) + END_OF_LINE).join("\n");
    process.stdout.write(HOME + drawn + BELOW);
  }

  leaveScreen(): void {
    process.stdout.write(LEAVE);
  }

  redrawErrLine(text: string): void {
    this.#live = this.errStyle.render(text);
    process.stderr.write(START_OF_EMPTY_LINE + this.#live);
  }

  async readInput(): Promise<string> {
    const { text } = await import("node:stream/consumers");
    return text(process.stdin);
  }

  async confirm(question: string): Promise<boolean> {
    const { createInterface } = await import("node:readline/promises");
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const answer = await lines.question(`${this.errStyle.render(question)} [y/N] `, {
        signal: this.interrupted,
      });
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      lines.close();
    }
  }

  async runEditor(command: string, file: string): Promise<number | null> {
    const { spawn } = await import("node:child_process");
    this.#isLent = true;
    try {
      const child = spawn("/bin/sh", ["-c", `${command} "$@"`, command, file], { stdio: "inherit" });
      return await new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("exit", resolve);
      });
    } finally {
      this.#isLent = false;
    }
  }

  onKey(listener: (chunk: string) => void): () => void {
    const { stdin } = process;
    const read = (chunk: Buffer): void => listener(chunk.toString("utf8"));
    stdin.setRawMode(true);
    stdin.on("data", read);
    return () => {
      stdin.off("data", read);
      stdin.setRawMode(false);
      stdin.pause();
    };
  }

  /** The stream whose size counts. */
  get #seen(): NodeJS.WriteStream {
    return this.outIsTerminal ? process.stdout : process.stderr;
  }

  #interrupt(signal: string): void {
    if (this.#isLent && signal === "SIGINT") return;
    // The second one is for those who cannot wait.
    if (this.interrupted.aborted) process.exit(130);
    this.#interrupted.abort();
  }

  /** A write to a terminal is done when it returns, on whichever stream. */
  #printAboveLive(stream: NodeJS.WriteStream, text: string): void {
    if (this.#live !== "") process.stderr.write(START_OF_EMPTY_LINE);
    stream.write(`${text}\n`);
    if (this.#live !== "") process.stderr.write(this.#live);
  }
}

function styleOf(isTerminal: boolean, random: Random): Style {
  const { NO_COLOR = "", TERM } = process.env;
  return isTerminal && NO_COLOR === "" && TERM !== "dumb" ? createStyle(random.uuid()) : PLAIN;
}
