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
export function processTerminal(random: Random): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const readerGone = new AbortController();
  const interrupted = new AbortController();
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (stream === stdout) readerGone.abort();
    });
  }
  let isLent = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // The second one is for those who cannot wait.
    process.on(signal, () => {
      if (isLent && signal === "SIGINT") return;
      if (interrupted.signal.aborted) process.exit(130);
      interrupted.abort();
    });
  }
  const coloured = (isTerminal: boolean): Style =>
    isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb" ? createStyle(random.uuid()) : PLAIN;
  const style = coloured(stdout.isTTY);
  const errStyle = coloured(stderr.isTTY);
  let live = "";
  /** A write to a terminal is done when it returns, on whichever stream. */
  const printAboveLive = (stream: NodeJS.WriteStream, text: string): void => {
    if (live !== "") stderr.write(START_OF_EMPTY_LINE);
    stream.write(`${text}\n`);
    if (live !== "") stderr.write(live);
  };
  return {
    out: (text) => printAboveLive(stdout, style.render(text)),
    err: (text) => printAboveLive(stderr, errStyle.render(text)),
    enterScreen: () => void stdout.write(ENTER),
    drawScreen: (lines) =>
      void stdout.write(HOME + lines.map((line) => style.render(line) + END_OF_LINE).join("\n") + BELOW),
    leaveScreen: () => void stdout.write(LEAVE),
    redrawErrLine(text) {
      live = errStyle.render(text);
      stderr.write(START_OF_EMPTY_LINE + live);
    },
    outIsTerminal: stdout.isTTY === true,
    errIsTerminal: stderr.isTTY === true,
    inIsTerminal: stdin.isTTY === true,
    get columns() {
      return (stdout.isTTY ? stdout.columns : stderr.columns) || DEFAULT_COLUMNS;
    },
    get rows() {
      return (stdout.isTTY ? stdout.rows : stderr.rows) || DEFAULT_ROWS;
    },
    style,
    errStyle,
    readerGone: readerGone.signal,
    interrupted: interrupted.signal,
    async readInput() {
      const { text } = await import("node:stream/consumers");
      return text(stdin);
    },
    async confirm(question) {
      const { createInterface } = await import("node:readline/promises");
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        const answer = await lines.question(`${errStyle.render(question)} [y/N] `, {
          signal: interrupted.signal,
        });
        return /^y(es)?$/i.test(answer.trim());
      } finally {
        lines.close();
      }
    },
    async runEditor(command, file) {
      const { spawn } = await import("node:child_process");
      isLent = true;
      try {
        const child = spawn("/bin/sh", ["-c", `${command} "$@"`, command, file], { stdio: "inherit" });
        return await new Promise((resolve, reject) => {
          child.on("error", reject);
          child.on("exit", resolve);
        });
      } finally {
        isLent = false;
      }
    },
    onKey(listener) {
      const read = (chunk: Buffer): void => listener(chunk.toString("utf8"));
      stdin.setRawMode(true);
      stdin.on("data", read);
      return () => {
        stdin.off("data", read);
        stdin.setRawMode(false);
        stdin.pause();
      };
    },
  };
}
