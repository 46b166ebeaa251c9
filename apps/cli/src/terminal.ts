import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { createStyle, PLAIN, type Style } from "./output/style.js";

/** Where a command reads and writes; tests give their own. */
export interface Terminal {
  /** Results, line by line. */
  out(text: string): void;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
  /** Raw, without an end of line: for screens that are drawn over. */
  writeOut(text: string): void;
  writeErr(text: string): void;
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
  /** Single keys, unechoed, until what is answered is called. Only with a terminal to read from. */
  onKey(listener: (key: string) => void): () => void;
}

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/**
 * The terminal of this process. A reader that has gone (`hawser apply ... | head`) ends neither the command nor what it is in the middle of: what is left to
 * say goes nowhere. A command that only shows things ends by `readerGone`.
 */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const readerGone = new AbortController();
  const interrupted = new AbortController();
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (stream === stdout) readerGone.abort();
    });
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // The second one is for those who cannot wait.
    process.on(signal, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));
  }
  const coloured = (isTerminal: boolean): Style =>
    isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb" ? createStyle() : PLAIN;
  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    writeOut: (raw) => void stdout.write(raw),
    writeErr: (raw) => void stderr.write(raw),
    outIsTerminal: stdout.isTTY === true,
    errIsTerminal: stderr.isTTY === true,
    inIsTerminal: stdin.isTTY === true,
    get columns() {
      return (stdout.isTTY ? stdout.columns : stderr.columns) || DEFAULT_COLUMNS;
    },
    get rows() {
      return (stdout.isTTY ? stdout.rows : stderr.rows) || DEFAULT_ROWS;
    },
    style: coloured(stdout.isTTY),
    errStyle: coloured(stderr.isTTY),
    readerGone: readerGone.signal,
    interrupted: interrupted.signal,
    readInput: () => text(stdin),
    async confirm(question) {
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        const answer = await lines.question(`${question} [y/N] `, { signal: interrupted.signal });
        return /^y(es)?$/i.test(answer.trim());
      } finally {
        lines.close();
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
