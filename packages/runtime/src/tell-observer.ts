import { guarded } from "./guarded.js";
import type { Logger } from "./logger.js";

/**
 * Tells an observer something, in the middle of what must not end with it: the answer to a publisher, the end of a socket. What it throws is a line in the log, and nothing where that
 * throws as well.
 */
export function tellObserver(tell: () => void, logger: Pick<Logger, "error">): void {
  guarded(tell, (err) => guarded(() => logger.error({ err }, "an observer threw")));
}
