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

/**
 * The number of a socket's descriptor. The system gives the lowest one that is free, so the number says how many the process has at least. Undefined where Node does not tell it:
 * on Unix it does, by a property it does not document.
 */
export function descriptorOf(socket: object): number | undefined {
  const handle: unknown = "_handle" in socket ? socket._handle : undefined;
  const isObject = typeof handle === "object" && handle !== null;
  return isObject && "fd" in handle && typeof handle.fd === "number" ? handle.fd : undefined;
}
