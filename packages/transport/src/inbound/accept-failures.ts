import { LogLimiter, type LogFields, type Logger, type Runtime } from "@hawser/runtime";

/** A port that cannot take connections cannot take any of thousands: a line a minute says as much as a line for each. */
const LINES = { burst: 1, linesPerSecond: 1 / 60 } as const;

/** What a port has to say of connections it could not take: one line at once, then one a minute with the count of what was left out. */
export class AcceptFailures {
  readonly #runtime: Pick<Runtime, "clock">;
  readonly #logger: Logger;
  readonly #limiter = new LogLimiter(LINES);

  constructor(runtime: Pick<Runtime, "clock" | "logger">) {
    this.#runtime = runtime;
    this.#logger = runtime.logger;
  }

  tell(fields: LogFields, message: string): void {
    const verdict = this.#limiter.judge("", this.#runtime.clock.now());
    if (!verdict.write) return;
    const { suppressed } = verdict;
    this.#logger.error(suppressed === 0 ? fields : { ...fields, suppressed }, message);
  }
}
