import { writeSync } from "node:fs";
import { pino } from "pino";

const STDOUT = 1;
/** Bytes queued while the reader stalls or the disk is full. Further lines are dropped. */
export const MAX_WAITING_LOG_BYTES = 16 * 1024 * 1024;

/** An output that never blocks the event loop, except for the last line of a process. */
export interface LineOutput {
  /** Queues a line for a thread; lines beyond `MAX_WAITING_LOG_BYTES` are dropped. */
  write(line: string): void;
  /** Writes before it returns, ahead of the queue. A stalled reader misses the line. */
  writeNow(line: string): void;
  /** Resolves when the queue is empty or cannot be written. */
  drained(): Promise<void>;
}

/** Called with the number of dropped lines, if any, once the queue is written. */
export type TellDropped = (lines: number) => void;

/** Standard output, line by line. */
export function standardOutput(tellDropped?: TellDropped): LineOutput {
  return lineOutput(STDOUT, tellDropped);
}

/**
 * A destination of pino whose flush at the end of the process is one attempt. The flush of pino
 * retries until everything is written: a reader that stalls or a broken descriptor would keep the
 * process alive.
 */
export function destinationOf(descriptor: number): ReturnType<typeof pino.destination> {
  let isEnding = false;
  let isFailing = false;
  const stream = pino.destination({
    dest: descriptor,
    maxLength: MAX_WAITING_LOG_BYTES,
    retryEAGAIN: () => !isEnding,
  });
  stream.on("write", () => (isFailing = false));
  // A failed write does not end the service. The stream tries again with the next line.
  stream.on("error", () => (isFailing = true));
  const flushSync = stream.flushSync.bind(stream);
  stream.flushSync = () => {
    if (isFailing) return;
    isEnding = true;
    try {
      flushSync();
    } catch {
      // The reader stalls and does not get the remaining lines.
    }
  };
  return stream;
}

/** A descriptor, line by line. */
export function lineOutput(descriptor: number, tellDropped: TellDropped = () => {}): LineOutput {
  let isBusy = false;
  let dropped = 0;
  let waiting: (() => void)[] = [];
  const stream = destinationOf(descriptor);
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
  stream.on("error", rest);
  stream.on("drop", () => {
    dropped += 1;
    // A full queue accepts no line, and only a write starts the next attempt.
    stream.write("");
  });
  return {
    write(line) {
      isBusy = true;
      stream.write(line);
    },
    writeNow(line) {
      try {
        writeSync(descriptor, line);
      } catch {
        // The reader has gone; there is nowhere else to report this.
      }
    },
    drained: () => (isBusy ? new Promise((resolve) => void waiting.push(resolve)) : Promise.resolve()),
  };
}
