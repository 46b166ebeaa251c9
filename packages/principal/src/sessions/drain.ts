import type { Link } from "@hawser/link";
import { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { PrincipalSession } from "@hawser/session";
import type { DrainReport } from "../principal.js";

export interface DrainOptions {
  /** The slots of the sessions are spread evenly over it. */
  readonly windowMs: number;
  /** From the start: whoever is still there is cut off. */
  readonly graceMs: number;
  readonly reason: string;
}

/** Every session is asked to go and come back in a slot of its own (PROTOCOL.md, Drain). */
export class Drain {
  readonly #runtime: Runtime;
  readonly #options: DrainOptions;
  readonly #untilMs: number;
  readonly #unsettled = new Map<string, number>();
  #allGone: () => void = () => {};

  constructor(runtime: Runtime, options: DrainOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#untilMs = runtime.clock.now() + options.windowMs;
  }

  /** Resolves when `allGone` was told, which it is at the latest after those that stayed were cut off. `links` is read again then. */
  async run(links: ReadonlySet<Link<PrincipalSession>>): Promise<DrainReport> {
    const { clock, timers } = this.#runtime;
    const { windowMs, graceMs, reason } = this.#options;
    const sessions = links.size;
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    const spacing = windowMs / Math.max(1, sessions);
    let slot = 0;
    for (const link of links) {
      const notice = { windowMs, slotMs: Math.round(slot * spacing), reason };
      link.perform(link.session.drain(notice, clock.now()));
      slot += 1;
    }
    const grace = timers.after(graceMs, () => cutOff(links));
    if (links.size === 0) this.#allGone();
    await gone;
    grace.cancel();
    return { sessions, unsettled: this.#unsettled };
  }

  /** Why new sessions are not let in, and the time that is left. */
  refusal(): { readonly error: HawserError; readonly retryAfterMs: number } {
    const left = Math.max(0, this.#untilMs - this.#runtime.clock.now());
    const error = new HawserError("draining", `this principal is going away: ${this.#options.reason}`);
    return { error, retryAfterMs: Math.ceil(left) };
  }

  /** A session ended with so many events that will be sent again. */
  sessionEnded(agent: string, unsettled: number): void {
    if (unsettled > 0) this.#unsettled.set(agent, unsettled);
  }

  allGone(): void {
    this.#allGone();
  }
}

function cutOff(links: ReadonlySet<Link<PrincipalSession>>): void {
  const error = new HawserError("draining", "the session did not end within the grace of the drain");
  for (const link of links) link.connection.terminate(error);
}
