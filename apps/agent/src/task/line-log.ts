import { LogLimiter, type Clock, type Logger } from "@hawser/runtime";

/** Lines of one task logged per second; more are left out, and counted in `suppressed` of the next one. */
const MAX_LOGGED_LINES_PER_SECOND = 10;

/** Logs a task's output without letting a chatty one flood the log. Answers the function to call with each line. */
export function lineLog(clock: Clock, logger: Logger): (line: string) => void {
  const limiter = new LogLimiter({
    burst: MAX_LOGGED_LINES_PER_SECOND,
    linesPerSecond: MAX_LOGGED_LINES_PER_SECOND,
    maxKeys: 1,
  });
  return (line) => {
    const verdict = limiter.judge("line", clock.now());
    if (!verdict.write) return;
    const { suppressed } = verdict;
    logger.info(suppressed === 0 ? { line } : { line, suppressed }, "task output");
  };
}
