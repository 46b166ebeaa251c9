import type { Clock, Logger } from "@hawser/runtime";

/** Lines of one task logged per second; more are counted and the count is logged. */
const MAX_LOGGED_LINES_PER_SECOND = 10;

/** Logs a task's output without letting a chatty one flood the log. Answers the function to call with each line. */
export function lineLog(clock: Clock, logger: Logger): (line: string) => void {
  let secondStart = clock.now();
  let inSecond = 0;
  let suppressed = 0;
  return (line) => {
    const now = clock.now();
    if (now - secondStart >= 1_000) {
      if (suppressed > 0) logger.info({ suppressed }, "task wrote more lines than are logged");
      secondStart = now;
      inSecond = 0;
      suppressed = 0;
    }
    inSecond += 1;
    if (inSecond > MAX_LOGGED_LINES_PER_SECOND) suppressed += 1;
    else logger.info({ line }, "task output");
  };
}
