/** Where a command writes; tests give their own. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
}

/**
 * Standard output and standard error. A reader that has gone (`hawser apply ... | head`) ends neither the command nor what it is in the middle of: what is
 * left to say goes nowhere.
 */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
  };
}
