import { HawserError } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";

/** Something that has to be so before agents are let in. */
export interface ReadinessCondition {
  /** For people: `waiting: <name>`. */
  readonly name: string;
  /** True, or what is missing, in a few words. Throwing counts as missing. Asked again every `checkIntervalMs` until it is true. */
  check(signal: AbortSignal): Promise<true | string>;
}

/** Where the start of a principal stands. */
export type GateState =
  | { readonly kind: "closed" }
  | { readonly kind: "waiting"; readonly for: string; readonly reason: string }
  | { readonly kind: "settling"; readonly stableForMs: number }
  | { readonly kind: "open"; readonly by: "conditions" | "fallback" };

/** What a start waits for before agents are let in, and for how long. */
export interface GateOptions {
  /** Besides those the principal brings itself. All must hold, and go on holding while it settles. */
  readonly conditions?: readonly ReadinessCondition[];
  /** From the moment all conditions hold. @default 2_000 */
  readonly stableForMs?: number;
  /** @default 250 */
  readonly checkIntervalMs?: number;
  /** When the conditions do not come true: open all the same, or give up. @default fail after 120 s */
  readonly fallback?: { readonly afterMs: number; readonly action: "open" | "fail" };
  /** Hears of every state. */
  readonly onState?: (state: GateState) => void;
}

/** What holds for whatever `gate` leaves out: after two minutes it is better to fail, and to be started anew, than to wait unseen. */
export const DEFAULT_GATE = {
  stableForMs: 2_000,
  checkIntervalMs: 250,
  fallback: { afterMs: 120_000, action: "fail" },
} as const;

type Pass = "ready" | "missing";

/**
 * Keeps the external port shut until everything behind it is ready: the conditions one after the other, then a quiet time in which all of them hold.
 *
 * It always has a state that says what it waits for, and never waits for ever.
 */
export class Gate {
  readonly #runtime: Runtime;
  readonly #conditions: readonly ReadinessCondition[];
  readonly #options: Required<Omit<GateOptions, "conditions" | "onState">>;
  readonly #onState: (state: GateState) => void;
  /** Nobody waits for a condition any more: `late`, or closed. */
  readonly #over = new AbortController();
  readonly #isOver: Promise<void>;
  #state: GateState = { kind: "closed" };
  #closed = false;

  /** @param own conditions of the principal itself, before those of the options */
  constructor(runtime: Runtime, own: readonly ReadinessCondition[], options: GateOptions) {
    const { conditions = [], onState = () => {}, ...rest } = options;
    this.#runtime = runtime;
    this.#conditions = [...own, ...conditions];
    this.#options = { ...DEFAULT_GATE, ...rest };
    this.#onState = onState;
    this.#isOver = new Promise((resolve) => {
      this.#over.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    for (const [name, value] of [
      ["stableForMs", this.#options.stableForMs],
      ["checkIntervalMs", this.#options.checkIntervalMs],
      ["fallback.afterMs", this.#options.fallback.afterMs],
    ] as const) {
      if (value >= 0) continue;
      throw new HawserError("invalid_config", `gate.${name} must be 0 or more milliseconds, not ${value}`);
    }
  }

  get state(): GateState {
    return this.#state;
  }

  /**
   * Resolves when the port may open.
   *
   * @throws HawserError `timeout` when the fallback is to give up, naming what was missing; `aborted` when it was closed meanwhile
   */
  async open(): Promise<void> {
    const { fallback, checkIntervalMs } = this.#options;
    const timer = this.#runtime.timers.after(fallback.afterMs, () => this.#over.abort());
    let pass: Pass = "missing";
    while (pass === "missing" && !this.#over.signal.aborted) {
      pass = await this.#pass();
      if (pass === "missing") await this.#pause(checkIntervalMs);
    }
    timer.cancel();
    if (this.#closed)
      throw new HawserError("aborted", "the principal was stopped, or drained, while it started");
    if (pass === "ready") this.#become({ kind: "open", by: "conditions" });
    else this.#fallBack();
  }

  /** Gives up an `open` that is under way. */
  close(): void {
    this.#become({ kind: "closed" });
    this.#closed = true;
    this.#over.abort();
  }

  async #pass(): Promise<Pass> {
    if ((await this.#allHold()) === "missing") return "missing";
    const { stableForMs, checkIntervalMs } = this.#options;
    const { clock } = this.#runtime;
    this.#become({ kind: "settling", stableForMs });
    const until = clock.now() + stableForMs;
    for (let left = stableForMs; left > 0; left = until - clock.now()) {
      await this.#pause(Math.min(left, checkIntervalMs));
      if (this.#over.signal.aborted) return "missing";
      if ((await this.#allHold()) === "missing") return "missing";
    }
    return "ready";
  }

  async #allHold(): Promise<Pass> {
    for (const condition of this.#conditions) {
      const answer = await this.#ask(condition);
      if (answer === true) continue;
      this.#become({ kind: "waiting", for: condition.name, reason: answer });
      return "missing";
    }
    return "ready";
  }

  async #ask(condition: ReadinessCondition): Promise<true | string> {
    const { signal } = this.#over;
    if (signal.aborted) return "no answer in time";
    // A check that never ends must not keep the fallback from coming.
    const noAnswer = this.#isOver.then(() => "no answer in time");
    try {
      return await Promise.race([condition.check(signal), noAnswer]);
    } catch (thrown) {
      return HawserError.from(thrown).message;
    }
  }

  #fallBack(): void {
    const { fallback } = this.#options;
    const missing = this.#state.kind === "waiting" ? `${this.#state.for}: ${this.#state.reason}` : "settling";
    const what = `not ready after ${fallback.afterMs} ms (waiting for ${missing})`;
    if (fallback.action === "fail") throw new HawserError("timeout", `${what}; the port stays closed`);
    this.#runtime.logger.warn({ code: "timeout" }, `${what}; opening all the same, as configured`);
    this.#become({ kind: "open", by: "fallback" });
  }

  #become(state: GateState): void {
    if (this.#closed) return;
    const before = this.#state;
    this.#state = state;
    const same =
      before.kind === state.kind &&
      !(
        before.kind === "waiting" &&
        state.kind === "waiting" &&
        (before.for !== state.for || before.reason !== state.reason)
      );
    if (same) return;
    if (state.kind === "waiting") this.#runtime.logger.info({}, `waiting: ${state.for}: ${state.reason}`);
    this.#onState(state);
  }

  async #pause(ms: number): Promise<void> {
    let timer: Timer | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = this.#runtime.timers.after(ms, resolve);
    });
    await Promise.race([passed, this.#isOver]);
    timer?.cancel();
  }
}
