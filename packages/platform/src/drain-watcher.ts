import { HawserError } from "@hawser/protocol";
import { defined, fullJitter, pause, systemRuntime, type Lifecycle, type Runtime } from "@hawser/runtime";
import { WatchFailure } from "./watch-failure.js";
import type { DrainSignal, PlatformSource, PlatformWatcherState } from "./watcher-state.js";

/**
 * Full jitter below a ceiling that doubles from `baseMs` to `capMs`. A missing permission waits
 * `deniedMs`, +/- 10 %. `Retry-After` is honoured, plus up to 10 %, but only to `askedMaxMs`: a
 * longer wait would miss the drain.
 */
export const DEFAULT_WATCH_BACKOFF = {
  floorMs: 250,
  baseMs: 1_000,
  capMs: 30_000,
  deniedMs: 300_000,
  askedMaxMs: 60_000,
} as const;

/** Options of every watcher. */
export interface WatcherOptions {
  /** Called at most once. An exception is logged. */
  readonly onDraining: (signal: DrainSignal) => void;
  readonly onState?: (state: PlatformWatcherState) => void;
  /** @default the system's */
  readonly runtime?: Runtime;
}

export type Round =
  | { readonly kind: "again"; readonly afterMs: number }
  | { readonly kind: "draining"; readonly reason: string };

/** A source of one platform's drain signals. */
export interface DrainSource {
  readonly source: PlatformSource;
  /** Once, at `start`. @throws HawserError `invalid_config` */
  prepare(): Promise<void>;
  /** Looks once or for the length of a watch, and reports with `seeing`. @throws WatchFailure */
  round(signal: AbortSignal, seeing: (waitingFor?: string) => void): Promise<Round>;
}

/** Runs the rounds of a source, with backoff after failures, until the platform drains it. */
export class DrainWatcher implements Lifecycle {
  readonly #source: DrainSource;
  readonly #options: WatcherOptions;
  readonly #runtime: Runtime;
  readonly #over = new AbortController();
  #state: PlatformWatcherState = { kind: "starting" };
  #started: Promise<void> | undefined;
  #loop: Promise<void> | undefined;
  #failures = 0;

  constructor(source: DrainSource, options: WatcherOptions) {
    this.#source = source;
    this.#options = options;
    this.#runtime = options.runtime ?? systemRuntime();
  }

  get state(): PlatformWatcherState {
    return this.#state;
  }

  /** Begins without waiting for the platform. @throws HawserError `invalid_config` */
  start(): Promise<void> {
    this.#started ??= this.#source.prepare().then(() => {
      if (!this.#over.signal.aborted) this.#loop = this.#run();
    });
    return this.#started;
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#started?.catch(() => {});
    await this.#loop;
    if (this.#state.kind !== "stopped") this.#enter({ kind: "stopped" });
  }

  async #run(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const waitMs = await this.#once(signal);
      if (waitMs === "draining") return;
      await pause(this.#runtime.timers, waitMs, signal);
    }
  }

  async #once(signal: AbortSignal): Promise<number | "draining"> {
    try {
      const round = await this.#source.round(signal, (waitingFor) => this.#seeing(waitingFor));
      if (round.kind === "again") return round.afterMs;
      if (signal.aborted) return 0;
      this.#drain(round.reason);
      return "draining";
    } catch (thrown) {
      return signal.aborted ? 0 : this.#failed(thrown);
    }
  }

  #seeing(waitingFor: string | undefined): void {
    if (this.#over.signal.aborted) return;
    this.#failures = 0;
    const now = this.#state;
    if (now.kind === "watching" && now.waitingFor === waitingFor) return;
    this.#enter({ kind: "watching", ...defined({ waitingFor }) });
  }

  #drain(reason: string): void {
    const told = { source: this.#source.source, reason, at: this.#runtime.clock.wallTime() };
    this.#runtime.logger.warn({ source: told.source, reason }, "the platform is taking this process away");
    this.#enter({ kind: "draining", ...told });
    try {
      this.#options.onDraining(told);
    } catch (thrown) {
      // Not a failed look: that would call it again.
      this.#runtime.logger.error({ source: told.source, err: thrown }, "the drain could not be begun");
    }
  }

  #failed(thrown: unknown): number {
    const failure = thrown instanceof WatchFailure ? thrown : undefined;
    const denied = failure?.kind === "denied";
    const askedMs = failure?.retryAfterMs;
    const error = HawserError.from(failure?.cause ?? thrown);
    const waitMs = this.#backoffMs(denied, askedMs);
    const now = this.#runtime.clock.wallTime();
    const since = this.#state.kind === "degraded" ? this.#state.since : now;
    const fields = { source: this.#source.source, code: error.code, retry_in_ms: waitMs };
    const message = `the platform watcher cannot see: ${error.message}; the next try is in ${seconds(waitMs)}${askedFor(askedMs)}`;
    if (denied) this.#runtime.logger.error(fields, message);
    else this.#runtime.logger.warn(fields, message);
    this.#enter({ kind: "degraded", error, since, nextTryAt: now + waitMs });
    return waitMs;
  }

  #backoffMs(denied: boolean, askedMs = 0): number {
    const { floorMs, baseMs, capMs, deniedMs, askedMaxMs } = DEFAULT_WATCH_BACKOFF;
    const { random } = this.#runtime;
    if (denied) return Math.round(deniedMs * (0.9 + 0.2 * random.next()));
    const ownMs = fullJitter(random, { floorMs, baseMs, factor: 2, capMs }, this.#failures);
    this.#failures += 1;
    return Math.round(Math.max(ownMs, Math.min(askedMs, askedMaxMs) * (1 + 0.1 * random.next())));
  }

  #enter(state: PlatformWatcherState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

function askedFor(askedMs: number | undefined): string {
  if (askedMs === undefined) return "";
  const { askedMaxMs } = DEFAULT_WATCH_BACKOFF;
  const bound = askedMs > askedMaxMs ? `, more than the ${seconds(askedMaxMs)} that are waited at most` : "";
  return `, as it asked for ${seconds(askedMs)}${bound}`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(1))} s`;
}
