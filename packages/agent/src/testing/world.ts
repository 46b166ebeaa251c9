import { createPrincipal, type Principal, type PrincipalOptions } from "@hawser/principal";
import type { HawserEvent } from "@hawser/protocol";
import { entryLogger, type Random } from "@hawser/runtime";
import { createMemoryDisk, createMemoryStore, type MemoryDisk, type Store } from "@hawser/store";
import {
  createSimulatedNetwork,
  createVirtualRuntime,
  type NetworkFaults,
  type SimulatedNetwork,
  type VirtualHost,
  type VirtualRuntime,
} from "@hawser/testkit";
import { createAgent, type Agent, type AgentOptions, type AgentState } from "../index.js";

export const ADDRESS = "principal:443";

/** A process that dies loses nothing it has written; only a machine that goes down does. */
const KEEPS_ALL: Random = { next: () => 1 - Number.EPSILON, uuid: () => "" };

/** What one line of a log says. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** An agent of a simulation with everything a test wants to know of it. */
export interface SimulatedAgent {
  readonly agent: Agent;
  readonly host: VirtualHost;
  readonly store: Store;
  readonly disk: MemoryDisk;
  /** With the virtual time at which each began, oldest first. */
  readonly states: { readonly at: number; readonly state: AgentState }[];
  readonly applied: HawserEvent[];
  readonly skipped: HawserEvent[];
  /** A simulated SIGKILL. */
  kill(): void;
}

type AgentParts = Partial<AgentOptions> & { readonly authorization?: string; readonly disk?: MemoryDisk };

/** One principal and agents over a simulated network, all in virtual time. */
export class World {
  readonly virtual: VirtualRuntime;
  readonly network: SimulatedNetwork;
  readonly log: LogLine[] = [];
  readonly principalHost: VirtualHost;

  constructor(seed: number, faults: Partial<NetworkFaults> = { latencyMinMs: 1, latencyMaxMs: 5 }) {
    this.virtual = createVirtualRuntime({
      seed,
      logger: entryLogger("debug", (entry) => void this.log.push(entry)),
    });
    this.network = createSimulatedNetwork({ virtual: this.virtual, faults });
    this.principalHost = this.virtual.host("principal");
  }

  async principal(options: Partial<PrincipalOptions> = {}): Promise<{ principal: Principal; store: Store }> {
    const host = this.principalHost;
    const store = options.store ?? createMemoryStore({ runtime: host.runtime });
    const acceptor = this.network.acceptor({ host, address: ADDRESS });
    const principal = createPrincipal({ store, acceptors: [acceptor], runtime: host.runtime, ...options });
    await principal.start();
    return { principal, store };
  }

  /** Makes an agent called `one` unless told otherwise, on a host and a store of its own. Not started yet. */
  async agent({
    authorization,
    disk = createMemoryDisk(),
    ...options
  }: AgentParts = {}): Promise<SimulatedAgent> {
    const name = options.name ?? "one";
    const host = this.virtual.host(name);
    const store = options.store ?? createMemoryStore({ disk, runtime: host.runtime });
    const dialer = this.network.dialer({
      from: host,
      to: ADDRESS,
      ...(authorization === undefined ? {} : { authorization }),
    });
    const states: SimulatedAgent["states"] = [];
    const applied: HawserEvent[] = [];
    const skipped: HawserEvent[] = [];
    const agent = createAgent({
      name,
      store,
      dialer,
      runtime: host.runtime,
      ...options,
      observer: {
        state: (state) => states.push({ at: this.virtual.now(), state }),
        applied: (event) => applied.push(event),
        skipped: (event) => skipped.push(event),
        ...options.observer,
      },
    });
    const kill = (): void => {
      host.kill();
      disk.crash(KEEPS_ALL);
    };
    return { agent, host, store, disk, states, applied, skipped, kill };
  }

  async until(predicate: () => boolean, timeoutMs = 60_000): Promise<void> {
    if (await this.virtual.runUntil(predicate, { timeoutMs })) return;
    throw new Error(`not so within ${timeoutMs} ms of virtual time (seed ${this.virtual.seed})`);
  }

  /** Waits for a promise under virtual time. */
  async settled<T>(promise: Promise<T>, timeoutMs = 60_000): Promise<T> {
    let done = false;
    const watched = promise.finally(() => {
      done = true;
    });
    watched.catch(() => {});
    await this.until(() => done, timeoutMs);
    return watched;
  }

  async connected(one: SimulatedAgent, timeoutMs?: number): Promise<void> {
    await this.until(() => one.agent.state.kind === "connected", timeoutMs);
  }
}

/** The waits of an agent, with how long each was to be. */
export function waits({ states }: SimulatedAgent): Extract<AgentState, { kind: "waiting" }>[] {
  return states.map(({ state }) => state).filter((state) => state.kind === "waiting");
}
