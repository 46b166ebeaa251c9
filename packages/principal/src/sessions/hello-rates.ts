import { TokenBucket } from "@hawser/runtime";

/**
 * Hellos of one agent a second. One whose sessions fail comes no sooner than after 250 ms, and a session that was closed cleanly within 5 s counts as failed:
 * that is four a second, and eight of two machines that have one name and take each other over.
 */
export const MAX_HELLOS_PER_SECOND = 10;
/** At once: whoever is restarted by hand, again and again, has to be very quick. */
export const MAX_HELLO_BURST = 50;

/**
 * Of these, a minute, those with another store than the time before. The principal then tells everything anew that it keeps for the agent, in one commit that all others
 * wait for, so they are dear. A store has its name for as long as it exists: only a machine that was replaced brings another one, or a
 * process that was restarted and keeps nothing on disk. What restarts processes waits longer each time, and so do two machines of
 * one name, whose stores take turns: within their first minute these come sixteen times, then twice within the two minutes that the longest wait takes.
 */
export const MAX_NEW_STORES_PER_MINUTE = 12;
export const MAX_NEW_STORE_BURST = 20;

const perSecond = (): number => MAX_HELLOS_PER_SECOND;
const newStoresPerSecond = (): number => MAX_NEW_STORES_PER_MINUTE / 60;

/** How often one agent may say hello: each costs a commit, and reads what is known of the agent. */
export class HelloRates {
  readonly #hellos: TokenBucket;
  readonly #newStores: TokenBucket;

  constructor(nowMs: number) {
    this.#hellos = new TokenBucket(perSecond, MAX_HELLO_BURST, nowMs);
    this.#newStores = new TokenBucket(newStoresPerSecond, MAX_NEW_STORE_BURST, nowMs);
  }

  /** Counts one more; false when it is one too many. */
  take(beginsAnew: boolean, nowMs: number): boolean {
    return this.#hellos.take(nowMs) && (!beginsAnew || this.#newStores.take(nowMs));
  }
}
