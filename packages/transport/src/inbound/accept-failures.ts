import { LogLimiter, type LogFields, type Logger, type Runtime } from "@hawser/runtime";

/** One line a minute: a port that cannot accept fails for thousands of connections. */
const LINES = { burst: 1, linesPerSecond: 1 / 60 } as const;

/**
 * Logs connections that a port could not accept: one line at once, then one a minute with the count
 * of suppressed lines.
 */
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
