import { guarded } from "./guarded.js";
import type { Logger } from "./logger.js";

/**
 * Notifies an observer within work that it must not end, such as the answer to a publisher. An
 * exception is logged; an exception of the logger is ignored.
 */
export function tellObserver(tell: () => void, logger: Pick<Logger, "error">): void {
  guarded(tell, (err) => guarded(() => logger.error({ err }, "an observer threw")));
}
