import { publishTo, type Accepted, type PublishOptions, type PublishTrace } from "@hawser/link";
import { HawserError, plainEvent, startedTwice, type EventInput } from "@hawser/protocol";
import { defined, guarded, Latest, traced, withinLimits } from "@hawser/runtime";
import { ReconnectPolicy } from "@hawser/session";
import type { Agent, AgentOptions, StopOptions } from "./agent.js";
import { AgentRun } from "./agent-run.js";
import type { AgentState } from "./agent-state.js";
import { PRINCIPAL } from "./principal-peer.js";
import type { Handlers } from "./resource-handler.js";
import { resolveOptions, type ResolvedOptions } from "./resolve-options.js";
import { publishing } from "./tracing.js";

/** Long enough for a goodbye over a slow line, short enough to stop a process. */
export const DEFAULT_STOP_GRACE_MS = 10_000;

/**
 * The remote end as a library.
 *
 * @throws HawserError `invalid_agent_name`; `invalid_config` for options that make no sense
 */
export function createAgent<
  Applied extends { readonly [kind: string]: unknown },
  Looked extends { readonly [kind: string]: unknown },
>(options: Omit<AgentOptions, "handlers"> & { readonly handlers?: Handlers<Applied, Looked> }): Agent;
export function createAgent(options: AgentOptions): Agent {
  const { reconnect: timing } = options;
  const resolved = resolveOptions(options);
  const { random } = resolved.runtime;
  const policy = new ReconnectPolicy({ random, ...defined({ timing }) });
  return new HawserAgent(resolved, policy);
}

class HawserAgent implements Agent {
  readonly #options: ResolvedOptions;
  /** Outlives runs: stopping and starting an agent is no way around its backoff. */
  readonly #policy: ReconnectPolicy;
  readonly #state = new Latest<AgentState>({ kind: "stopped" });
  #run: AgentRun | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ResolvedOptions, policy: ReconnectPolicy) {
    this.#options = options;
    this.#policy = policy;
  }

  get name(): string {
    return this.#options.name;
  }

  get state(): AgentState {
    return this.#state.value;
  }

  status({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<AgentState> {
    return this.#state.follow(signal, ({ kind }) => kind === "stopped");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async start(): Promise<void> {
    if (this.#run !== undefined) throw startedTwice("this agent", { agent: this.name });
    const run = new AgentRun(this.#options, this.#policy, (state) => this.#changed(state));
    this.#run = run;
    try {
      await run.start();
    } catch (thrown) {
      // Some handlers may hold something already.
      await run.stop(0);
      this.#run = undefined;
      this.#changed({ kind: "stopped" });
      throw thrown;
    }
  }

  stop({ graceMs = DEFAULT_STOP_GRACE_MS }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(graceMs).finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  get suppressedLogLines(): number {
    return this.#options.suppressedLogLines();
  }

  rotate(): boolean {
    return this.#run?.rotate() ?? false;
  }

  credentialsChanged(): boolean {
    return this.#run?.credentialsChanged() ?? false;
  }

  publish<Data>(given: EventInput<Data>, options: PublishOptions = {}): Promise<Accepted> {
    const { idempotencyKey, traceContext } = options;
    return withinLimits(
      options,
      this.#options.runtime.timers,
      (code, message, cause) => new HawserError(code, message, { agent: this.name, cause }),
      () => {
        try {
          const event = plainEvent(given);
          const trace = (): PublishTrace => ({ agent: this.name, event, traceContext });
          return traced(publishing, trace, (tracing) =>
            publishTo(this.#options.store, PRINCIPAL, event, {
              agent: this.name,
              reserved: "statuses are reported by handlers",
              idempotencyKey,
              traceContext: (tracing ?? options).traceContext,
            }),
          );
        } catch (refused) {
          return Promise.reject(HawserError.from(refused));
        }
      },
    );
  }

  async #stop(graceMs: number): Promise<void> {
    if (this.#run === undefined) return;
    this.#changed({ kind: "stopping", since: this.#options.runtime.clock.wallTime() });
    try {
      await this.#run.stop(graceMs);
    } finally {
      this.#run = undefined;
      this.#changed({ kind: "stopped" });
    }
  }

  #changed(state: AgentState): void {
    this.#state.set(state);
    const { observer, runtime } = this.#options;
    // An observer must not break the connection that comes or goes.
    guarded(
      () => observer.state?.(state),
      (thrown) => runtime.logger.error({ err: thrown }, "an observer threw at a change of state"),
    );
  }
}
