import type { Clock, Logger } from "@hawser/runtime";

/** So many takeovers from another host within the span are no move of one machine any more. */
const TAKEOVERS = 3;
const SPAN_MS = 10 * 60_000;
/** Names that are watched at once; the one that was watched longest is forgotten first. */
const MAX_NAMES = 1_000;

interface Fight {
  readonly sinceMs: number;
  takeovers: number;
  isSaid: boolean;
}

/**
 * Two machines that use one name take each other's session over, again and again; each of them sees nothing but a connection that is lost. This says so, in one line
 * with both addresses in ten minutes.
 */
export class TwoMachines {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #fights = new Map<string, Fight>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** A session of this agent, from `before`, was taken over by one from `address`; both `host:port`. */
  takenOver(agent: string, before: string, address: string): void {
    if (hostOf(before) === hostOf(address)) return;
    const fight = this.#fightOf(agent);
    fight.takeovers += 1;
    if (fight.isSaid || fight.takeovers < TAKEOVERS) return;
    fight.isSaid = true;
    this.#logger.warn(
      { agent, address, other_address: before, takeovers: fight.takeovers },
      "two machines seem to use one name: they take each other's session over",
    );
  }

  #fightOf(agent: string): Fight {
    const now = this.#clock.now();
    const known = this.#fights.get(agent);
    if (known !== undefined && now - known.sinceMs <= SPAN_MS) return known;
    this.#fights.delete(agent);
    for (const oldest of this.#fights.keys()) {
      if (this.#fights.size < MAX_NAMES) break;
      this.#fights.delete(oldest);
    }
    const fight: Fight = { sinceMs: now, takeovers: 0, isSaid: false };
    this.#fights.set(agent, fight);
    return fight;
  }
}

function hostOf(address: string): string {
  const at = address.lastIndexOf(":");
  return at < 0 ? address : address.slice(0, at);
}
