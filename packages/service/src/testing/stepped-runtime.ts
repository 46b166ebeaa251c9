import { createLogger, type Runtime, type Timers } from "@hawser/runtime";

/** What the tests look at of a line. */
interface Line {
  readonly level: string;
  readonly msg: string;
  readonly reason?: string;
  readonly fix?: string;
}

/** Time that passes when the test says so, and the lines that were logged meanwhile. */
export function steppedRuntime(): {
  readonly runtime: Pick<Runtime, "clock" | "logger" | "timers">;
  readonly lines: Line[];
  pass(ms: number): void;
} {
  let now = 0;
  const due: { readonly at: number; readonly callback: () => void }[] = [];
  const lines: Line[] = [];
  const timers: Timers = {
    after(delayMs, callback) {
      const entry = { at: now + delayMs, callback };
      due.push(entry);
      return {
        cancel: () => {
          const index = due.indexOf(entry);
          if (index !== -1) due.splice(index, 1);
        },
      };
    },
    soon: (callback) => timers.after(0, callback),
  };
  return {
    runtime: {
      clock: { now: () => now, wallTime: () => now },
      timers,
      logger: createLogger({ write: (line) => lines.push(JSON.parse(line)) }),
    },
    lines,
    pass(ms) {
      const until = now + ms;
      for (;;) {
        due.sort((a, b) => a.at - b.at);
        const next = due[0];
        if (next === undefined || next.at > until) break;
        due.shift();
        now = next.at;
        next.callback();
      }
      now = until;
    },
  };
}
