import type { Random, Runtime, Timer, Timers } from "@hawser/runtime";
import type { TimerQueue } from "./timer-queue.js";

/**
 * One machine of a simulation: it shares the virtual time of the others, but its timers, its randomness and its wall clock are its own, and it can die.
 */
export interface VirtualHost {
  readonly name: string;
  /** Counts the hosts of this name, from 1: a host made again after a kill is the next incarnation. */
  readonly incarnation: number;
  readonly runtime: Runtime;
  readonly alive: boolean;
  /**
   * A simulated SIGKILL. Every timer of this host dies, and timers set from now on never fire, so nothing of it runs again but promise jobs that
   * were ready already; a simulated network cuts its connections without telling it.
   */
  kill(): void;
  /**
   * Runs `callback` when this host is killed (at once if it is dead), unless what this answers is called before. For what stands outside the
   * host: its network, its disk.
   */
  onKill(callback: () => void): () => void;
  /** Moves this host's wall clock by `ms` (negative: backwards). Its monotonic clock does not notice. */
  jumpWallTime(ms: number): void;
}

/** What a host needs to know of the world it is in. */
export interface HostWorld {
  readonly now: () => number;
  readonly wallTime: () => number;
  readonly queue: TimerQueue;
}

export interface HostParts {
  readonly name: string;
  readonly incarnation: number;
  readonly random: Random;
  readonly logger: Runtime["logger"];
  /** How far this host's wall clock is ahead of the world's, in milliseconds. */
  readonly wallSkewMs: number;
}

export function createHost(world: HostWorld, parts: HostParts): VirtualHost {
  const timers = new HostTimers(world);
  let wallSkewMs = parts.wallSkewMs;
  const killCallbacks = new Set<() => void>();
  return {
    name: parts.name,
    incarnation: parts.incarnation,
    runtime: {
      clock: { now: world.now, wallTime: () => world.wallTime() + wallSkewMs },
      timers,
      random: parts.random,
      logger: parts.logger,
    },
    get alive() {
      return timers.alive;
    },
    kill() {
      if (!timers.alive) return;
      timers.killAll();
      for (const callback of killCallbacks) callback();
      killCallbacks.clear();
    },
    onKill(callback) {
      if (timers.alive) killCallbacks.add(callback);
      else callback();
      return () => void killCallbacks.delete(callback);
    },
    jumpWallTime(ms) {
      wallSkewMs += ms;
    },
  };
}

const DEAD_TIMER: Timer = { cancel: () => {} };

class HostTimers implements Timers {
  readonly #world: HostWorld;
  readonly #set = new Set<Timer>();
  #alive = true;

  constructor(world: HostWorld) {
    this.#world = world;
  }

  get alive(): boolean {
    return this.#alive;
  }

  after(delayMs: number, callback: () => void): Timer {
    if (!this.#alive) return DEAD_TIMER;
    const { queue, now } = this.#world;
    const queued = queue.add(now() + Math.max(0, delayMs), () => {
      this.#set.delete(timer);
      callback();
    });
    const timer: Timer = {
      cancel: () => {
        this.#set.delete(timer);
        queue.cancel(queued);
      },
    };
    this.#set.add(timer);
    return timer;
  }

  soon(callback: () => void): Timer {
    return this.after(0, callback);
  }

  killAll(): void {
    this.#alive = false;
    for (const timer of this.#set) timer.cancel();
  }
}
