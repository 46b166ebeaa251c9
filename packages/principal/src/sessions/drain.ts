import type { PrincipalLink } from "@hawser/link";
import { HawserError } from "@hawser/protocol";
import { guarded, type Runtime, type Timer } from "@hawser/runtime";
import type { DrainProgress, DrainReport } from "../drain.js";
import { cutOffAtMs, turnOf, type DrainPlan } from "./drain-plan.js";

export interface DrainParts {
  readonly runtime: Runtime;
  readonly plan: DrainPlan;
  /** The connections to let go. Those that come later are refused, and nobody waits for them. */
  readonly links: Iterable<PrincipalLink>;
  /** The agent behind a link, once its hello was accepted. */
  readonly agentOf: (link: PrincipalLink) => string | undefined;
  /** A slot for an agent that has none from this drain, in milliseconds from now. */
  readonly slot: () => number;
}

/**
 * Lets every session go (PROTOCOL.md, Drain notice): each sends nothing new, waits a bounded time for the answers it is owed, is told its slot, and closes.
 *
 * What nobody answered for goes again on the agent's next session, and is counted.
 */
export class Drain {
  readonly #parts: DrainParts;
  readonly #startedAtMs: number;
  /** Not gone yet. */
  readonly #links: Set<PrincipalLink>;
  readonly #sessions: number;
  readonly #unsettled = new Map<string, number>();
  /** When each agent is expected back, monotonic. */
  readonly #slots = new Map<string, number>();
  readonly #timers = new Set<Timer>();
  /** Whose turn has not come yet, and the slot that goes with it. */
  readonly #turns = new Map<PrincipalLink, { readonly timer: Timer; readonly slotMs: number }>();
  /** When whoever is left is cut off, monotonic. */
  #cutOffAtMs = Number.POSITIVE_INFINITY;
  #cutOff = 0;
  #kept = 0;
  #allGone: () => void = () => {};

  constructor(parts: DrainParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.runtime.clock.now();
    this.#links = new Set(parts.links);
    this.#sessions = this.#links.size;
  }

  async run(): Promise<DrainReport> {
    const { runtime, plan } = this.#parts;
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    let place = 0;
    for (const link of this.#links) {
      const { atMs, slotMs } = turnOf(plan, place, this.#sessions, runtime.random);
      this.#letGoAfter(atMs, link, slotMs);
      place += 1;
    }
    this.#cutOffAfter(cutOffAtMs(plan));
    if (this.#links.size === 0) this.#allGone();
    await gone;
    for (const timer of this.#timers) timer.cancel();
    return this.#report();
  }

  /** Whoever is still here is let go, and cut off, as soon as this plan would have it. The shape and the slots stay. */
  hasten(plan: DrainPlan): void {
    const { runtime } = this.#parts;
    const hasty = { ...plan, shape: this.#parts.plan.shape };
    if (runtime.clock.now() + cutOffAtMs(hasty) >= this.#cutOffAtMs) return;
    const turns = [...this.#turns];
    for (const [place, [link, { timer, slotMs }]] of turns.entries()) {
      timer.cancel();
      this.#timers.delete(timer);
      this.#letGoAfter(turnOf(hasty, place, turns.length, runtime.random).atMs, link, slotMs);
    }
    this.#cutOffAfter(cutOffAtMs(hasty));
  }

  /** Whether this session is still to go, so that no other drain has to see to it. */
  has(link: PrincipalLink): boolean {
    return this.#links.has(link);
  }

  /** Sessions whose turn has not come stay. Those whose turn has come go on going: they have been told, or were given nothing new since. */
  undo(): void {
    for (const [link, { timer }] of this.#turns) {
      timer.cancel();
      this.#timers.delete(timer);
      this.#links.delete(link);
      this.#kept += 1;
    }
    this.#turns.clear();
    const { answerWaitMs, graceMs } = this.#parts.plan;
    if (this.#links.size === 0) this.#allGone();
    else this.#cutOffAfter(answerWaitMs + graceMs);
  }

  progress(): DrainProgress {
    const { shape, reason } = this.#parts.plan;
    return { shape, reason, sessions: this.#sessions, remaining: this.#links.size, unsettled: this.#total() };
  }

  /** Why an agent that comes now is not let in, and its slot: the one it was given, or one of its own. */
  refusal(agent: string): { readonly error: HawserError; readonly retryAfterMs: number } {
    const { runtime, plan, slot } = this.#parts;
    const error = new HawserError("draining", `this principal is going away: ${plan.reason}`);
    const leftMs = (this.#slots.get(agent) ?? 0) - runtime.clock.now();
    // Whose slot is over and who finds this principal still here is early as well.
    return { error, retryAfterMs: leftMs > 0 ? leftMs : slot() };
  }

  /** A connection ended, of this agent if its hello was accepted, with so many events that will be sent again. */
  ended(link: PrincipalLink, agent: string | undefined, unsettled: number): void {
    if (!this.#links.delete(link)) return;
    if (agent !== undefined && unsettled > 0) this.#unsettled.set(agent, unsettled);
    if (this.#links.size === 0) this.#allGone();
  }

  #letGoAfter(delayMs: number, link: PrincipalLink, slotMs: number): void {
    const timer = this.#after(delayMs, () => {
      this.#turns.delete(link);
      this.#guarded(link, () => this.#letGo(link, slotMs));
    });
    this.#turns.set(link, { timer, slotMs });
  }

  #cutOffAfter(delayMs: number): void {
    this.#cutOffAtMs = this.#parts.runtime.clock.now() + delayMs;
    this.#after(delayMs, () => this.#cutOffRest());
  }

  #letGo(link: PrincipalLink, slotMs: number): void {
    const { plan, runtime } = this.#parts;
    if (!this.#links.has(link)) return;
    let told = false;
    const tell = (): void => {
      if (told || !this.#links.has(link)) return;
      told = true;
      this.#guarded(link, () => this.#notify(link, slotMs));
    };
    const patience = this.#after(plan.answerWaitMs, tell);
    // What is in flight is answered at its own pace; nobody waits longer than that.
    link.quiesce(() => {
      patience.cancel();
      this.#timers.delete(patience);
      runtime.timers.soon(tell);
    });
  }

  #notify(link: PrincipalLink, slotMs: number): void {
    const { runtime, plan, agentOf } = this.#parts;
    const now = runtime.clock.now();
    const agent = agentOf(link);
    if (agent !== undefined && plan.shape === "restart") this.#slots.set(agent, now + slotMs);
    const windowMs = plan.shape === "restart" ? plan.returnAfterMs + plan.windowMs : plan.windowMs;
    link.drain({ windowMs, slotMs, reason: plan.reason });
  }

  #cutOffRest(): void {
    const error = new HawserError("draining", "the session did not end within the grace of the drain");
    this.#cutOff = this.#links.size;
    for (const link of this.#links)
      guarded(
        () => link.connection.terminate(error),
        (thrown) => {
          link.fail(HawserError.from(thrown));
          // It may never tell of its end.
          this.ended(link, this.#parts.agentOf(link), link.unsettled);
        },
      );
  }

  // In a timer, and there are others to be let go.
  #guarded(link: PrincipalLink, step: () => void): void {
    guarded(step, (thrown) => link.fail(HawserError.from(thrown)));
  }

  #report(): DrainReport {
    return {
      shape: this.#parts.plan.shape,
      sessions: this.#sessions,
      cutOff: this.#cutOff,
      kept: this.#kept,
      unsettled: this.#unsettled,
      unsettledTotal: this.#total(),
      durationMs: Math.round(this.#parts.runtime.clock.now() - this.#startedAtMs),
    };
  }

  #total(): number {
    let total = 0;
    for (const count of this.#unsettled.values()) total += count;
    return total;
  }

  #after(delayMs: number, run: () => void): Timer {
    const timer = this.#parts.runtime.timers.after(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
    return timer;
  }
}
