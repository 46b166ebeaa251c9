/** Where a command writes; tests give their own. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
}

export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
};
