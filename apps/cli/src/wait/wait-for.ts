import { pause } from "@hawser/runtime";
import type { CommandContext } from "../command/command-context.js";
import { CommandError, EXIT_CODES, QuietExit } from "../exit-codes.js";
import { LiveLine } from "../output/live-line.js";
import { formatDuration } from "../output/table.js";
import type { Condition } from "./conditions.js";

export const DEFAULT_WAIT_TIMEOUT_MS = 60_000;
const POLL_MS = 300;
/** What is there by then was never missing to anybody. */
const SHOW_AFTER_MS = 1_000;
/** Conditions that are asked for at once, so that waiting for many does not load the principal. */
const CHECKED_AT_ONCE = 8;

interface Open {
  readonly condition: Condition;
  readonly missing: string;
}

/**
 * Waits until all of them are there, and says live which are not. A principal that goes away meanwhile is waited for too: it may be restarting.
 *
 * @throws CommandError `timedOut` saying what was missing; what a condition throws
 */
export async function waitFor(
  { terminal, runtime }: Pick<CommandContext, "terminal" | "runtime">,
  conditions: readonly Condition[],
  timeoutMs: number,
): Promise<void> {
  const live = new LiveLine(terminal);
  const startedAt = runtime.clock.now();
  let open: readonly Open[] = conditions.map((condition) => ({ condition, missing: "" }));
  try {
    for (let round = 0; ; round += 1) {
      open = await stillOpen(open, round === 0);
      if (terminal.interrupted.aborted) throw new QuietExit(EXIT_CODES.interrupted);
      const [first] = open;
      if (first === undefined) return;
      const waitedMs = runtime.clock.now() - startedAt;
      if (waitedMs >= timeoutMs) throw timedOut(open, timeoutMs);
      const more = open.length === 1 ? "" : ` (and ${open.length - 1} more)`;
      const plain = `waiting for ${first.condition.text}${more}: ${first.missing}`;
      if (waitedMs >= SHOW_AFTER_MS) live.show(`${formatDuration(waitedMs)} ${plain}`, plain);
      await pause(runtime.timers, Math.min(POLL_MS, timeoutMs - waitedMs), terminal.interrupted);
    }
  } finally {
    live.clear();
  }
}

async function stillOpen(open: readonly Open[], first: boolean): Promise<readonly Open[]> {
  const left: Open[] = [];
  for (let start = 0; start < open.length; start += CHECKED_AT_ONCE) {
    const some = open.slice(start, start + CHECKED_AT_ONCE);
    const answers = await Promise.all(some.map(({ condition }) => ask(condition, first)));
    some.forEach(({ condition }, index) => {
      const missing = answers[index];
      if (missing !== undefined) left.push({ condition, missing });
    });
  }
  return left;
}

async function ask(condition: Condition, first: boolean): Promise<string | undefined> {
  try {
    return await condition.missing();
  } catch (thrown) {
    // At the first question it is a wrong address rather than a restart.
    const isAway = thrown instanceof CommandError && thrown.exitCode === EXIT_CODES.unreachable;
    if (isAway && !first) return "the principal does not answer";
    throw thrown;
  }
}

function timedOut(open: readonly Open[], timeoutMs: number): CommandError {
  const lines = open.map(({ condition, missing }) => `  ${condition.text}: ${missing}`);
  return new CommandError(
    EXIT_CODES.timedOut,
    `not there within ${timeoutMs / 1000}s:\n${lines.join("\n")}\nThe events stay accepted, and what an agent refuses for now goes to it again: mend what it says, or wait again with a longer --timeout.`,
  );
}

/** What there is to say at the end of a wait. */
export function allAre(count: number, state: string): string {
  return count === 1 ? `it is ${state}` : `all ${count} are ${state}`;
}
