import { writeSync } from "node:fs";
import { pino } from "pino";

const STDOUT = 1;

/** Where lines go that must hold nobody up, but for the last one, which must be there before the process ends. */
export interface LineOutput {
  /** Written by a thread of the pool, in order; a reader that stalls holds the lines up, and not the event loop. */
  write(line: string): void;
  /** Written when this returns, ahead of what waits. A reader that stalls or has gone does not get it. */
  writeNow(line: string): void;
  /** Resolves when nothing waits. */
  drained(): Promise<void>;
}

/** Standard output, line by line. */
export function standardOutput(): LineOutput {
  const stream = pino.destination(STDOUT);
  let isBusy = false;
  stream.on("drain", () => {
    isBusy = false;
  });
  return {
    write(line) {
      isBusy = true;
      stream.write(line);
    },
    writeNow(line) {
      try {
        writeSync(STDOUT, line);
      } catch {
        // Nobody is left who could be told.
      }
    },
    drained: () =>
      isBusy ? new Promise((resolve) => void stream.once("drain", () => resolve())) : Promise.resolve(),
  };
}
