import { writeSync } from "node:fs";
import { pino } from "pino";

const STDOUT = 1;
/** Bytes that wait for a reader that stalls, or for a disk that is full; lines beyond are dropped. */
export const MAX_WAITING_LOG_BYTES = 16 * 1024 * 1024;

/** Where lines go that must hold nobody up, but for the last one, which must be there before the process ends. */
export interface LineOutput {
  /** Written by a thread of the pool, in order. A reader that stalls holds the lines up, and not the event loop; beyond `MAX_WAITING_LOG_BYTES` the next ones are dropped. */
  write(line: string): void;
  /** Written when this returns, ahead of what waits. A reader that stalls or has gone does not get it. */
  writeNow(line: string): void;
  /** Resolves when nothing waits, or what waits cannot be written. */
  drained(): Promise<void>;
}

/** Called when all that waited is written, with the number of lines that were dropped meanwhile; not called for none. */
export type TellDropped = (lines: number) => void;

/** Standard output, line by line. */
export function standardOutput(tellDropped?: TellDropped): LineOutput {
  return lineOutput(STDOUT, tellDropped);
}

/** A descriptor, line by line. */
export function lineOutput(descriptor: number, tellDropped: TellDropped = () => {}): LineOutput {
  // A flush at the end of the process is one attempt: it has no time to wait for a reader.
  let isEnding = false;
  let isFailing = false;
  let isBusy = false;
  let dropped = 0;
  let waiting: (() => void)[] = [];
  const stream = pino.destination({
    dest: descriptor,
    maxLength: MAX_WAITING_LOG_BYTES,
    retryEAGAIN: () => !isEnding,
  });
  const rest = (): void => {
    isBusy = false;
    const resolved = waiting;
    waiting = [];
    for (const resolve of resolved) resolve();
  };
  stream.on("drain", () => {
    const count = dropped;
    dropped = 0;
    rest();
    if (count > 0) tellDropped(count);
  });
  stream.on("write", () => (isFailing = false));
  // A service does not end for its log. What waits is tried again with the next line.
  stream.on("error", () => {
    isFailing = true;
    rest();
  });
  stream.on("drop", () => {
    dropped += 1;
    // A full queue takes no line, and without a line nothing would be tried again.
    stream.write("");
  });
  const flushSync = stream.flushSync.bind(stream);
  // The flush of the stream tries for ever what cannot be written, which would keep the process.
  stream.flushSync = () => {
    if (isFailing) return;
    isEnding = true;
    try {
      flushSync();
    } catch {
      // The reader stalls: it does not get the rest.
    }
  };
  return {
    write(line) {
      isBusy = true;
      stream.write(line);
    },
    writeNow(line) {
      try {
        writeSync(descriptor, line);
      } catch {
        // Nobody is left who could be told.
      }
    },
    drained: () => (isBusy ? new Promise((resolve) => void waiting.push(resolve)) : Promise.resolve()),
  };
}
