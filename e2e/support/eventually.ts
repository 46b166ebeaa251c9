import { pause, systemClock, systemTimers } from "@hawser/runtime";

const POLL_MS = 20;
/** Generous: a deadline is there to end a test that hangs, and machines that build are slow. */
const DEFAULT_DEADLINE_MS = 20_000;

/** Asks until there is an answer: undefined and exceptions mean not yet. What the last one said is part of the failure. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<T> {
  const deadline = systemClock.now() + deadlineMs;
  let last = "it answered nothing";
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (thrown) {
      last = thrown instanceof Error ? thrown.message : String(thrown);
    }
    if (systemClock.now() > deadline) throw new Error(`within ${deadlineMs} ms: ${what}; at last ${last}`);
    await pause(systemTimers, POLL_MS);
  }
}

/** As `eventually`, for something that has to become true. */
export async function becomes(
  what: string,
  probe: () => Promise<boolean> | boolean,
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<void> {
  await eventually(what, async () => ((await probe()) ? true : undefined), deadlineMs);
}
