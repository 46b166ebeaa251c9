import type { Runtime } from "@hawser/runtime";
import { ManualTimers } from "@hawser/testkit";
import { createLogger } from "../create-logger.js";

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
  const timers = new ManualTimers();
  const lines: Line[] = [];
  return {
    runtime: {
      clock: { now: () => timers.now(), wallTime: () => timers.now() },
      timers,
      logger: createLogger({ write: (line) => lines.push(JSON.parse(line)) }),
    },
    lines,
    pass: (ms) => timers.advance(ms),
  };
}
