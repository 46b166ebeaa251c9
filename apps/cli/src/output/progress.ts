import { SingleBar } from "cli-progress";
import type { Timers } from "@hawser/runtime";
import type { Terminal } from "../terminal.js";

/** What takes less needs no bar. */
const SHOW_AFTER_MS = 1_000;

/** Runs one step after the other, with a bar on standard error when it takes longer than a second and somebody looks. */
export async function eachWithProgress<T>(
  terminal: Terminal,
  timers: Timers,
  label: string,
  items: readonly T[],
  step: (item: T) => Promise<void>,
): Promise<void> {
  let done = 0;
  let bar: SingleBar | undefined;
  const timer = timers.after(SHOW_AFTER_MS, () => {
    if (!terminal.errIsTerminal || items.length < 2) return;
    bar = new SingleBar({
      format: `${label} {bar} {value}/{total}`,
      stream: process.stderr,
      clearOnComplete: true,
    });
    bar.start(items.length, done);
  });
  try {
    for (const item of items) {
      await step(item);
      done += 1;
      bar?.update(done);
    }
  } finally {
    timer.cancel();
    bar?.stop();
  }
}
