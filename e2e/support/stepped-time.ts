import { entryLogger, systemClock, systemTimers, type Random, type Runtime } from "@hawser/runtime";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import type { LogLine } from "./service-process.js";

/** Far more than a local socket takes: it ends a test that hangs. */
const DEADLINE_MS = 10_000;

export interface SteppedTimeOptions {
  /** What every draw answers, so that a delay with jitter is one number. @default 0.5 */
  readonly draw?: number;
}

/**
 * Virtual time for code that speaks over real sockets: its clock stands still while bytes travel and moves only when it is told to, so what it waits is measured to the
 * millisecond however slow the machine is.
 */
export class SteppedTime {
  readonly log: LogLine[] = [];
  readonly runtime: Runtime;
  readonly #virtual: VirtualRuntime;

  constructor({ draw = 0.5 }: SteppedTimeOptions = {}) {
    this.#virtual = createVirtualRuntime({
      seed: 1,
      logger: entryLogger("debug", (entry) => void this.log.push(entry)),
    });
    const { clock, timers, random, logger } = this.#virtual.runtime;
    const fixed: Random = { next: () => draw, uuid: () => random.uuid() };
    // What is only to happen behind the I/O of this turn waits for I/O, which is real.
    const mixed = {
      after: timers.after.bind(timers),
      soon: (callback: () => void) => systemTimers.soon(callback),
    };
    this.runtime = { clock, timers: mixed, random: fixed, logger };
  }

  now(): number {
    return this.#virtual.now();
  }

  /** Fires what comes due on the way. */
  async advance(ms: number): Promise<void> {
    await this.#virtual.advance(ms);
  }

  /** Lets bytes travel, while time stands still, until there is an answer; what is due at this very moment is done. */
  async until<T>(what: string, probe: () => T | undefined): Promise<T> {
    return this.#until(what, probe, 0);
  }

  /** The same, while time goes on by a millisecond at each look: for a wait that begins when bytes have come. */
  async untilInTime<T>(what: string, probe: () => T | undefined): Promise<T> {
    return this.#until(what, probe, 1);
  }

  async #until<T>(what: string, probe: () => T | undefined, stepMs: number): Promise<T> {
    const deadline = systemClock.now() + DEADLINE_MS;
    for (;;) {
      await this.#virtual.advance(stepMs);
      const answer = probe();
      if (answer !== undefined) return answer;
      if (systemClock.now() > deadline) throw new Error(`within ${DEADLINE_MS} ms: ${what}`);
      await new Promise<void>((resolve) => systemTimers.soon(resolve));
    }
  }

  /** Moves time to the moment at which something becomes true, at most `timeoutMs` of it. */
  async runUntil(what: string, predicate: () => boolean, timeoutMs: number): Promise<void> {
    if (await this.#virtual.runUntil(predicate, { timeoutMs })) return;
    throw new Error(`within ${timeoutMs} ms of virtual time: ${what}`);
  }
}
