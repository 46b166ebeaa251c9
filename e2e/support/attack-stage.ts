import { readFile } from "node:fs/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { createAgent, type Agent } from "@hawser/agent";
import { systemClock } from "@hawser/runtime";
import { createMemoryStore, type Store } from "@hawser/store";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { becomes, pause } from "./eventually.js";
import { createWorld, type World } from "./world.js";

/** How often something is sent to the healthy agent. */
const PUBLISH_EVERY_MS = 50;
/** What a newcomer is given to get in, coming back as it is told. */
const NEWCOMER_DEADLINE_MS = 10_000;

/** What the healthy agent went through. All in milliseconds. */
export interface Figures {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What an attack did. */
export interface Damage {
  readonly idle: Figures;
  readonly attacked: Figures;
  /** Of `newcomers`, those that had a session in time. */
  readonly gotIn: number;
  readonly newcomers: number;
  readonly rssBeforeMb: number;
  readonly rssPeakMb: number;
  readonly isAlive: boolean;
}

/** One attack: begun, and ended by what it answers. */
export type Attack = (stage: AttackStage) => Promise<() => Promise<void> | void>;

/**
 * A principal as a process of its own, a healthy agent that is sent something every 50 ms, and newcomers with good credentials: what an attack does to them is measured.
 *
 * Attacks go to loopback only, and end with the stage.
 */
export class AttackStage {
  readonly world: World;
  readonly #healthy: QuietAgent;
  readonly #sockets = new Set<Socket>();
  #published = 0;

  private constructor(world: World, healthy: QuietAgent) {
    this.world = world;
    this.#healthy = healthy;
  }

  /** @param principalArgs beside the addresses and the data directory */
  static async set(principalArgs: readonly string[] = []): Promise<AttackStage> {
    const world = await createWorld(principalArgs);
    await world.startPrincipal();
    const healthy = await QuietAgent.start("healthy", world);
    world.atEnd(() => healthy.stop());
    await world.connected("healthy");
    return new AttackStage(world, healthy);
  }

  /** A socket to the agents' port that the stage closes at its end; errors are swallowed. @param localAddress one of 127.0.0.0/8 */
  socket(localAddress = "127.0.0.1"): Socket {
    const { host, port } = this.world.listen;
    return this.#kept(connectTcp({ host, port, localAddress }));
  }

  /** Plays an attack of at most this long, with the same time before it for the idle values. */
  async play(
    attack: Attack,
    { forMs, newcomers = 10 }: { readonly forMs: number; readonly newcomers?: number },
  ): Promise<Damage> {
    const idle = await this.#measure(Math.min(forMs, 3_000));
    const rssBeforeMb = await this.rssMb();
    const memory = this.#watchMemory();
    const end = await attack(this);
    const [attacked, gotIn] = await Promise.all([this.#measure(forMs), this.#newcomers(newcomers, forMs)]);
    await end();
    for (const socket of this.#sockets) socket.destroy();
    const rssPeakMb = await memory.stop();
    const isAlive = this.world.principal.running;
    const damage = { idle, attacked, gotIn, newcomers, rssBeforeMb, rssPeakMb, isAlive };
    say(damage);
    return damage;
  }

  /** Of the principal's process, from /proc. */
  async rssMb(): Promise<number> {
    const status = await readFile(`/proc/${this.world.principal.pid}/status`, "utf8");
    return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
  }

  #kept(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }

  /** From the request to publish until the agent has handled it: the way of the event, which the ACK then goes back. */
  async #measure(forMs: number): Promise<Figures> {
    const tookMs: number[] = [];
    const until = systemClock.now() + forMs;
    while (systemClock.now() < until) {
      const startedAtMs = systemClock.now();
      await this.#deliver();
      const took = systemClock.now() - startedAtMs;
      tookMs.push(took);
      await pause(Math.max(0, PUBLISH_EVERY_MS - took));
    }
    tookMs.sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round(tookMs[Math.floor(share * (tookMs.length - 1))] ?? Number.NaN);
    return { samples: tookMs.length, p50Ms: at(0.5), p99Ms: at(0.99) };
  }

  async #deliver(): Promise<void> {
    this.#published += 1;
    const id = `e${this.#published}`;
    const handled = this.#healthy.handles(id);
    await this.world.api.post("healthy", { id, type: "e2e.attack.v1", resourceid: "attack_u1" });
    await handled;
  }

  /** Evenly over the attack, one after the other begins; each comes back as it is told, as agents do. */
  async #newcomers(count: number, forMs: number): Promise<number> {
    const coming: Promise<boolean>[] = [];
    for (let n = 0; n < count; n += 1) {
      coming.push(this.#newcomer(`newcomer-${n}`));
      await pause(forMs / count);
    }
    const results = await Promise.all(coming);
    return results.filter(Boolean).length;
  }

  async #newcomer(name: string): Promise<boolean> {
    const agent = await QuietAgent.start(name, this.world);
    try {
      await becomes(`${name} is in`, () => agent.isConnected, NEWCOMER_DEADLINE_MS);
      return true;
    } catch {
      return false;
    } finally {
      await agent.stop();
    }
  }

  #watchMemory(): { stop(): Promise<number> } {
    let peak = 0;
    let isOver = false;
    const watching = (async () => {
      while (!isOver && this.world.principal.running) {
        peak = Math.max(peak, await this.rssMb().catch(() => 0));
        await pause(100);
      }
    })();
    return {
      async stop() {
        isOver = true;
        await watching;
        return peak;
      },
    };
  }
}

/** An agent of the product in this process that takes whatever comes. */
class QuietAgent {
  readonly #agent: Agent;
  readonly #store: Store;
  readonly #waiting: Map<string, () => void>;

  private constructor(agent: Agent, store: Store, waiting: Map<string, () => void>) {
    this.#agent = agent;
    this.#store = store;
    this.#waiting = waiting;
  }

  static async start(name: string, world: World): Promise<QuietAgent> {
    const store = createMemoryStore();
    await store.start();
    const waiting = new Map<string, () => void>();
    const dialer = createWebSocketDialer({ url: `ws://${world.address}`, subprotocol: "cloudevents.json" });
    const onEvent = ({ event }: { readonly event: { readonly id: string } }): void => {
      waiting.get(event.id)?.();
      waiting.delete(event.id);
    };
    const agent = createAgent({ name, store, dialer, onEvent });
    await agent.start();
    return new QuietAgent(agent, store, waiting);
  }

  get isConnected(): boolean {
    return this.#agent.state.kind === "connected";
  }

  /** Resolves when the event with this id has arrived. */
  handles(id: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
    await this.#store.stop();
  }
}

/** The figures of the attack, for whoever reads the run. */
function say({ idle, attacked, gotIn, newcomers, rssBeforeMb, rssPeakMb, isAlive }: Damage): void {
  console.log(
    `healthy p99 ${attacked.p99Ms} ms (idle ${idle.p99Ms}, bound ${2 * idle.p99Ms + 20}), ` +
      `newcomers ${gotIn} of ${newcomers}, RSS ${rssBeforeMb} -> ${rssPeakMb} MB, ${isAlive ? "alive" : "ENDED"}`,
  );
}
