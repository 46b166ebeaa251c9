import { systemClock, type Clock } from "./clock.js";
import { silentLogger, type Logger } from "./logger.js";
import { systemRandom, type Random } from "./random.js";
import { systemTimers, type Timers } from "./timers.js";

/** The dependencies of a component on the outside world, except transport and store. */
export interface Runtime {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

/** The same runtime with another logger. Named members, because spreads skip prototypes. */
export function withLogger({ clock, timers, random }: Runtime, logger: Logger): Runtime {
  return { clock, timers, random, logger };
}

/** The real runtime. Tests and simulations use the virtual one of `@hawser/testkit`. */
export function systemRuntime(logger: Logger = silentLogger): Runtime {
  return { clock: systemClock, timers: systemTimers, random: systemRandom, logger };
}
