import { HawserError } from "@hawser/protocol";
import { isDeepStrictEqual } from "node:util";
import { pause, type Runtime } from "@hawser/runtime";

/** A condition that must hold before the external port opens. */
export interface ReadinessCondition {
  /** For people: `waiting: <name>`. */
  readonly name: string;
  /**
   * True, or a few words on what is missing; throwing counts as missing. Called every
   * `checkIntervalMs` until it is true.
   */
  check(signal: AbortSignal): Promise<true | string>;
}

/** The progress of a principal's start. */
export type GateState =
  | { readonly kind: "closed" }
  | { readonly kind: "waiting"; readonly for: string; readonly reason: string }
  | { readonly kind: "settling"; readonly stableForMs: number }
  | { readonly kind: "open"; readonly by: "conditions" | "fallback" };

/** What a start waits for before the external port opens, and for how long. */
export interface GateOptions {
  /** Besides the principal's own. All must hold, and keep holding for `stableForMs`. */
  readonly conditions?: readonly ReadinessCondition[];
  /** How long all conditions must hold. @default 2_000 */
  readonly stableForMs?: number;
  /** @default 250 */
  readonly checkIntervalMs?: number;
  /** When the conditions do not hold in time: open anyway, or fail. @default fail after 120 s */
  readonly fallback?: { readonly afterMs: number; readonly action: "open" | "fail" };
  readonly onState?: (state: GateState) => void;
}

/** Defaults of `GateOptions`: after two minutes a failure, and a restart, beats waiting unseen. */
export const DEFAULT_GATE = {
  stableForMs: 2_000,
  checkIntervalMs: 250,
  fallback: { afterMs: 120_000, action: "fail" },
} as const;

type Pass = "ready" | "missing";

/**
 * Keeps the external port shut until everything behind it is ready: checks the conditions one after
 * the other, then waits until all have held for `stableForMs`. Its state says what it waits for, and
 * the fallback bounds the wait.
 */
export class Gate {
  readonly #runtime: Runtime;
  readonly #conditions: readonly ReadinessCondition[];
  readonly #options: Required<Omit<GateOptions, "conditions" | "onState">>;
  readonly #onState: (state: GateState) => void;
  /** Aborted at the fallback, or by `close`. */
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
   * @throws HawserError `timeout` naming the missing condition, when the fallback is to fail;
   *   `aborted` when the gate was closed meanwhile
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

  /** Ends an `open` that is under way. */
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
    // A check that never ends must not delay the fallback.
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
    const isSame = isDeepStrictEqual(this.#state, state);
    this.#state = state;
    if (isSame) return;
    if (state.kind === "waiting") this.#runtime.logger.info({}, `waiting: ${state.for}: ${state.reason}`);
    this.#onState(state);
  }

  #pause(ms: number): Promise<void> {
    return pause(this.#runtime.timers, ms, this.#over.signal);
  }
}
