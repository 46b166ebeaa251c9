import {
  createSharedMemoryEngine,
  type SharedMemoryClient,
  type SharedMemoryEngine,
  type Store,
} from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import { chance, type SharedPlan } from "./plan.js";
import type { PrincipalStorage } from "./principal-storage.js";
import { SLOW_FACTOR } from "./shared-plan.js";
import { tapStore } from "./store-tap.js";
import { WatchedDisk } from "./watched-disk.js";
import type { World } from "./world.js";

/** How often the way breaks under a request. */
const BREAK_SHARE = 0.02;

/** The machine of the store that all principals of a run share. Its disk outlives its processes, and they outlive principals. */
export class StoreMachine {
  readonly watched: WatchedDisk;
  readonly shared: SharedPlan;
  readonly #world: World;
  #host: VirtualHost;
  #engine: SharedMemoryEngine;
  #isSlow = false;

  constructor(world: World, shared: SharedPlan) {
    this.#world = world;
    this.shared = shared;
    this.watched = new WatchedDisk(world, "principal", "store");
    this.#host = world.virtual.host("store");
    this.#engine = this.#start();
  }

  /** A connection of one process of a principal. */
  connect(name: string, host: VirtualHost): SharedMemoryClient {
    return this.#engine.client(name, { runtime: host.runtime, ...this.shared.client });
  }

  /** Each message takes many times as long until what this answers is called. */
  slowDown(): () => void {
    this.#isSlow = true;
    return () => {
      this.#isSlow = false;
    };
  }

  /** SIGKILL, or the power goes, and it starts again. Its clients are gone with it: they have to be made again. */
  restart(what: "process" | "machine"): void {
    this.#world.findings.trace("store", `killed (${what})`);
    this.#host.kill();
    this.watched.disk.crash(what);
    // Attempts are written without sync, like those of a principal with a disk of its own.
    for (const agent of this.#world.plan.agents)
      this.#world.apply.receiverDied("up", agent, what === "process");
    this.#host = this.#world.virtual.host("store");
    this.#engine = this.#start();
  }

  #start(): SharedMemoryEngine {
    const { latencyMs, lostShare, positionShare, memberTtlMs } = this.shared;
    const { disk } = this.watched;
    const host = this.#host;
    const factor = (): number => (this.#isSlow ? SLOW_FACTOR : 1);
    return createSharedMemoryEngine({
      runtime: host.runtime,
      limits: this.#world.plan.limits,
      lostShare,
      positionShare,
      memberTtlMs,
      latencyMs: {
        get min() {
          return latencyMs.min * factor();
        },
        get max() {
          return latencyMs.max * factor();
        },
      },
      disk: {
        attach: () => this.watched.attach(host),
        crash: () => disk.crash("machine"),
        snapshot: () => disk.snapshot(),
        failWrites: () => {},
      },
    });
  }
}

/** What one principal has of the store that it shares. */
export class SharedStorage implements PrincipalStorage {
  readonly isShared = true;
  readonly #world: World;
  readonly #machine: StoreMachine;
  readonly #name: string;
  #client: SharedMemoryClient | undefined;

  constructor(world: World, machine: StoreMachine, name: string) {
    this.#world = world;
    this.#machine = machine;
    this.#name = name;
  }

  get watched(): WatchedDisk {
    return this.#machine.watched;
  }

  open(host: VirtualHost): Store {
    const client = this.#machine.connect(this.#name, host);
    this.#client = client;
    host.onKill(() => client.kill());
    const { incarnation } = host;
    const principal = this.#name;
    const { tally, terms, findings, fences, hearing } = this.#world;
    return tapStore(client.store, {
      process: `${principal} ${incarnation}`,
      isAlive: () => host.alive,
      fences,
      hearing,
      tally,
      trace: (what) => findings.trace("store", what),
      tick: () => this.#world.ledger.tick(),
      mayMiss: this.#machine.shared.lostShare > 0,
      unanswered: (agent, epoch, records) => {
        for (const { resourceid, version } of records)
          terms.unanswered({ principal, incarnation, agent, epoch, resourceid, version });
      },
      asks: () => this.#mayBreak(),
    });
  }

  /** Now and then the way to the store breaks while a request is under way, so that it never arrives, or its answer does not. */
  #mayBreak(): void {
    const { isHealed, plan, random, tally, timers } = this.#world;
    if (isHealed || plan.flavour === "rotations" || !chance(random, BREAK_SHARE)) return;
    const client = this.#client;
    timers.after(2 * random.next() * this.#machine.shared.latencyMs.max, () => {
      tally.add("resets between a principal and the store");
      client?.partition()();
    });
  }

  /** What a principal wrote is in the hands of the store. */
  crashed(): boolean {
    return true;
  }

  /** Cuts this principal off from the store. @returns what ends it */
  partition(): () => void {
    return this.#client?.partition() ?? (() => {});
  }
}
