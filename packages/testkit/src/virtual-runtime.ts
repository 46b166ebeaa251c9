import { HawserError } from "@hawser/protocol";
import { seededRandom, silentLogger, type Logger, type Random, type Runtime } from "@hawser/runtime";
import { createSettle } from "./settle.js";
import { TimerQueue } from "./timer-queue.js";
import { createHost, type VirtualHost } from "./virtual-host.js";

/** What virtual time and randomness begin with. */
export interface VirtualRuntimeOptions {
  /** Decides every random draw; print it when a run fails. */
  readonly seed: number;
  /** @default silent */
  readonly logger?: Logger;
  /** The wall clock at virtual time 0, Unix milliseconds. @default 2026-01-01T00:00:00Z */
  readonly startWallTimeMs?: number;
}

/** How a virtual host differs from the others. */
export interface HostOptions {
  /** How far this host's wall clock is ahead of the others', in milliseconds. @default 0 */
  readonly wallSkewMs?: number;
}

/** Virtual time, timers and randomness. Time stands still unless `advance` or a `run` function moves it. */
export interface VirtualRuntime {
  /** For code under test that needs no host of its own. */
  readonly runtime: Runtime;
  readonly seed: number;
  /** Timers set and not yet fired or cancelled, of all hosts. */
  readonly pendingTimers: number;
  now(): number;
  wallTime(): number;
  /** Moves time forward by `ms`, firing what comes due in order; promise jobs settle after each. Rejects with what a callback throws. */
  advance(ms: number): Promise<void>;
  /** Fires timers until `predicate` holds (true) or `timeoutMs` of virtual time have passed (false). */
  runUntil(predicate: () => boolean, options: { readonly timeoutMs: number }): Promise<boolean>;
  /** Fires timers until none is set (true) or `timeoutMs` of virtual time have passed (false). */
  runUntilIdle(options: { readonly timeoutMs: number }): Promise<boolean>;
  /** A machine with timers, randomness and a wall clock of its own, that can be killed. Asked for again after a kill it is the next incarnation. */
  host(name: string, options?: HostOptions): VirtualHost;
  /** Moves the wall clock of every host by `ms` (negative: backwards). Monotonic time does not notice. */
  jumpWallTime(ms: number): void;
  /** A repeatable source of its own for `label`, so that one part's draws do not shift another's. */
  random(label: string): Random;
}

const DEFAULT_START_WALL_TIME_MS = Date.UTC(2026, 0, 1);

/** Makes a world of virtual time. The same seed and the same calls give the same run. */
export function createVirtualRuntime(options: VirtualRuntimeOptions): VirtualRuntime {
  return new VirtualWorld(options);
}

class VirtualWorld implements VirtualRuntime {
  readonly runtime: Runtime;
  readonly seed: number;
  readonly #logger: Logger;
  readonly #queue = new TimerQueue();
  readonly #settle = createSettle();
  readonly #incarnations = new Map<string, number>();
  #now = 0;
  #wallOffset: number;
  #running = false;

  constructor(options: VirtualRuntimeOptions) {
    this.seed = options.seed;
    this.#logger = options.logger ?? silentLogger;
    this.#wallOffset = options.startWallTimeMs ?? DEFAULT_START_WALL_TIME_MS;
    this.runtime = this.host("world").runtime;
  }

  get pendingTimers(): number {
    return this.#queue.size;
  }

  readonly now = (): number => this.#now;
  readonly wallTime = (): number => Math.floor(this.#now + this.#wallOffset);

  async advance(ms: number): Promise<void> {
    await this.#run(() => false, this.#now + Math.max(0, ms), false);
  }

  runUntil(predicate: () => boolean, options: { readonly timeoutMs: number }): Promise<boolean> {
    return this.#run(predicate, this.#now + options.timeoutMs, false);
  }

  runUntilIdle(options: { readonly timeoutMs: number }): Promise<boolean> {
    return this.#run(() => false, this.#now + options.timeoutMs, true);
  }

  host(name: string, options: HostOptions = {}): VirtualHost {
    const incarnation = (this.#incarnations.get(name) ?? 0) + 1;
    this.#incarnations.set(name, incarnation);
    return createHost(
      { now: this.now, wallTime: this.wallTime, queue: this.#queue },
      {
        name,
        incarnation,
        random: this.random(`host ${name} ${incarnation}`),
        logger: this.#logger,
        wallSkewMs: options.wallSkewMs ?? 0,
      },
    );
  }

  jumpWallTime(ms: number): void {
    this.#wallOffset += ms;
  }

  random(label: string): Random {
    return seededRandom(hashLabel(this.seed, label));
  }

  async #run(done: () => boolean, deadline: number, stopWhenIdle: boolean): Promise<boolean> {
    if (this.#running)
      throw new HawserError(
        "invalid_state",
        "virtual time is already being moved: await the earlier call first",
      );
    this.#running = true;
    try {
      await this.#settle();
      while (!done()) {
        const next = this.#queue.nextAt();
        if (next === undefined && stopWhenIdle) return true;
        if (next === undefined || next > deadline) {
          this.#now = deadline;
          return false;
        }
        this.#now = Math.max(this.#now, next);
        this.#queue.take()?.();
        await this.#settle();
      }
      return true;
    } finally {
      this.#running = false;
    }
  }
}

/** FNV-1a over the label, begun from the seed. */
function hashLabel(seed: number, label: string): number {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let index = 0; index < label.length; index += 1) {
    hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193);
  }
  return hash;
}
