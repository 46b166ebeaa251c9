import { expect } from "vitest";
import { becomes } from "./eventually.js";
import { FaultyLine, LINE, type LineOptions, type Transport } from "./faulty-line.js";

/** For a dial, a hello and a welcome on a machine that has other things to do. */
export const SETUP_MS = 2_500;
/** The longest wait after one failure: the first ceiling of the exponential. */
export const FIRST_BACKOFF_MS = 2 * LINE.backoffMinMs;

/** One line of what a test measured. */
export function figures(name: string, transport: string, values: Readonly<Record<string, number>>): void {
  const parts = Object.entries(values).map(([key, value]) => `${key}=${Math.round(value)}`);
  process.stdout.write(`fault: ${name} ${transport} ${parts.join(" ")}\n`);
}

/** Everything that was accepted arrives, and only once. */
export async function isComplete(line: FaultyLine): Promise<void> {
  await becomes("everything accepted is applied", () => line.events.missing === 0);
  expect(line.events.appliedTwice).toBe(0);
}

export async function withLine<T>(
  transport: Transport,
  run: (line: FaultyLine) => Promise<T>,
  options?: LineOptions,
): Promise<T> {
  const line = await FaultyLine.lay(transport, options);
  try {
    return await run(line);
  } finally {
    await line.takeUp();
  }
}
