import { CLEAN_ENDS, DRAINS } from "./clean-ends.js";
import { FAILURES, SUPERSEDED } from "./failures.js";
import { FAILED_DIALS, OWN_ENDS } from "./own-ends.js";
import type { ReconnectCase } from "./reconnect-case.js";
import { REFUSALS, SLOTS, TIMES_FOR_EVERYBODY } from "./refusals.js";

/** Every way for the connection of a real agent to end that is played. */
export const AGENT_CASES: readonly ReconnectCase[] = [
  ...CLEAN_ENDS,
  ...DRAINS,
  ...SLOTS,
  ...TIMES_FOR_EVERYBODY,
  ...REFUSALS,
  ...SUPERSEDED,
  ...FAILURES,
  ...OWN_ENDS,
  ...FAILED_DIALS,
];
