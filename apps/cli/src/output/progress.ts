import type { Timers } from "@hawser/runtime";
import type { LanePlan } from "../concurrency/lanes.js";
import { tellInOrder } from "../concurrency/tell-in-order.js";
import { CommandError } from "../exit-codes.js";
import type { Terminal } from "../terminal.js";
import { LiveLine } from "./live-line.js";

/** What takes less needs no bar. */
const SHOW_AFTER_MS = 1_000;

export interface Steps<T, R> extends LanePlan<T> {
  readonly label: string;
  readonly items: readonly T[];
  step(item: T): Promise<R>;
  /** In the order of the items. */
  tell(result: R): void;
}

/**
 * Runs steps, some at once, with a bar on standard error when they take longer than a second and somebody looks. After a failure none is begun any more.
 *
 * @throws what failed; several failures are one CommandError with a line for each and the exit code of the first, in the order of the items
 */
export async function eachWithProgress<T, R extends object>(
  terminal: Terminal,
  timers: Timers,
  { label, items, step, tell, ...plan }: Steps<T, R>,
): Promise<void> {
  let done = 0;
  let bar: ProgressBar | undefined;
  const timer = timers.after(SHOW_AFTER_MS, () => {
    if (items.length < 2) return;
    bar = new ProgressBar(terminal, label, items.length);
    bar.update(done);
  });
  const counted = async (item: T): Promise<R> => {
    const result = await step(item);
    done += 1;
    bar?.update(done);
    return result;
  };
  try {
    const [first, ...others] = await tellInOrder(items, plan, counted, tell);
    if (first !== undefined) throw asOne([first, ...others].map(({ thrown }) => thrown));
  } finally {
    timer.cancel();
    bar?.stop();
  }
}

const BAR_WIDTH = 40;

/** How much is done of how much, on a terminal; elsewhere nothing. It takes itself away at the end. */
export class ProgressBar {
  readonly #line: LiveLine | undefined;
  readonly #label: string;
  readonly #total: number;

  constructor(terminal: Terminal, label: string, total: number) {
    this.#line = terminal.errIsTerminal ? new LiveLine(terminal) : undefined;
    this.#label = label;
    this.#total = total;
  }

  update(done: number): void {
    const filled = Math.floor((BAR_WIDTH * done) / Math.max(1, this.#total));
    const bar = "=".repeat(filled).padEnd(BAR_WIDTH, "-");
    const text = `${this.#label} ${bar} ${done}/${this.#total}`;
    this.#line?.show(text, text);
  }

  stop(): void {
    this.#line?.clear();
  }
}

function asOne([first, ...others]: readonly unknown[]): unknown {
  if (!(first instanceof CommandError) || others.length === 0) return first;
  const messages = [first, ...others].map((thrown) =>
    thrown instanceof Error ? thrown.message : String(thrown),
  );
  // The same for all of them when the principal has gone.
  const lines = [...new Set(messages)];
  return new CommandError(first.exitCode, lines.join("\n"), { cause: first });
}
