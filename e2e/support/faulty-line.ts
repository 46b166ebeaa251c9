import { createAgent, type Agent } from "@hawser/agent";
import { createPrincipal, type Principal } from "@hawser/principal";
import type { EventDraft } from "@hawser/protocol";
import { systemClock, systemRuntime } from "@hawser/runtime";
import { createMemoryStore, type Store } from "@hawser/store";
import { createChaosProxy, type ChaosProxy } from "@hawser/testkit";
import type { Dialer } from "@hawser/transport";
import { createGrpcAcceptor, createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { becomes, pause } from "./eventually.js";
import { keyText, type EventKey } from "./journal.js";

/** How much shorter than by default everything here takes: 20 s become half a second. */
const SCALE = 40;
/** An event to the agent this often, and to the principal with every second one. */
const LOAD_INTERVAL_MS = 20;
/** Order is kept per resource, and one takes one event a round trip: enough of them that a slow line does not hold the load up. */
const RESOURCES = 50;
const BODY = "x".repeat(500);

/** The settings that bounds follow from: those of every day, scaled, but for the backoff and the dial, which machines and not clocks decide. */
export const LINE = {
  heartbeatIntervalMs: 20_000 / SCALE,
  heartbeatTimeoutMs: 60_000 / SCALE,
  keepAliveIntervalMs: 20_000 / SCALE,
  /** The load balancer that cuts after 30 s. */
  idleCutMs: 30_000 / SCALE,
  backoffMinMs: 250,
  backoffMaxMs: 1_000,
  dialTimeoutMs: 1_000,
} as const;

export interface LineOptions {
  readonly heartbeatIntervalMs?: number;
  readonly keepAliveIntervalMs?: number;
}

type Direction = "down" | "up";

/** An event that was accepted, and what became of it. Monotonic milliseconds. */
interface Entry {
  acceptedAt?: number;
  appliedAt?: number;
  runs: number;
}

/** An agent and a principal with a proxy between them that does harm, and events both ways. */
export class FaultyLine {
  readonly proxy: ChaosProxy;
  readonly agent: Agent;
  readonly principal: Principal;
  /** Sessions the agent has had. */
  sessions = 0;
  /** Events that came again and were only acknowledged. */
  redelivered = 0;
  readonly #stores: readonly Store[];
  readonly #events = { down: new Map<string, Entry>(), up: new Map<string, Entry>() };
  #load: Promise<void> | undefined;
  #loaded = false;

  private constructor(
    parts: { proxy: ChaosProxy; dialer: Dialer; principal: Principal; stores: readonly [Store, Store] },
    options: LineOptions,
  ) {
    const { backoffMinMs, backoffMaxMs } = LINE;
    this.proxy = parts.proxy;
    this.principal = parts.principal;
    this.#stores = parts.stores;
    this.agent = createAgent({
      name: "edge",
      store: parts.stores[0],
      dialer: parts.dialer,
      timing: timingOf(options),
      reconnect: { backoffMinMs, backoffMaxMs },
      onEvent: ({ event }) => this.#ran("down", event),
      observer: {
        state: ({ kind }) => {
          if (kind === "connected") this.sessions += 1;
        },
        skipped: () => {
          this.redelivered += 1;
        },
      },
    });
  }

  /** Both ends run and are connected, through a proxy that does no harm yet. */
  static async lay(transport: "ws" | "grpc", options: LineOptions = {}): Promise<FaultyLine> {
    const { keepAliveIntervalMs = LINE.keepAliveIntervalMs } = options;
    const stores = [createMemoryStore(), createMemoryStore()] as const;
    const principal = createPrincipal({
      store: stores[1],
      acceptors: [
        createWebSocketAcceptor({ keepAliveIntervalMs }),
        createGrpcAcceptor({ keepAliveIntervalMs }),
      ],
      listen: { port: 0 },
      timing: timingOf(options),
      stop: { windowMs: 0, settleMs: 0, graceMs: 100 },
      onEvent: ({ event }) => line.#ran("up", event),
    });
    for (const store of stores) await store.start();
    const { address } = await principal.start();
    if (address === undefined) throw new Error("the principal has no address");
    const proxy = createChaosProxy({ target: address, runtime: systemRuntime() });
    const { host, port } = await proxy.start();
    const dialer =
      transport === "grpc"
        ? createGrpcDialer({ target: `${host}:${port}`, keepAliveIntervalMs })
        : createWebSocketDialer({
            url: `ws://${host}:${port}`,
            subprotocol: "cloudevents.json",
            keepAliveIntervalMs,
          });
    const line: FaultyLine = new FaultyLine({ proxy, dialer: impatient(dialer), principal, stores }, options);
    await line.agent.start();
    await becomes("the agent is connected", () => line.sessions === 1);
    return line;
  }

  /** Keeps events coming, both ways, until `unload`. */
  load(): void {
    this.#loaded = true;
    this.#load = (async () => {
      for (let n = 0; this.#loaded; n += 1) {
        await this.publish("down", n);
        if (n % 2 === 0) await this.publish("up", n);
        await pause(LOAD_INTERVAL_MS);
      }
    })();
  }

  async unload(): Promise<void> {
    this.#loaded = false;
    await this.#load;
  }

  async publish(direction: Direction, n: number): Promise<void> {
    const acceptedAt = systemClock.now();
    const event: EventDraft = {
      specversion: "1.0",
      id: `${direction}-${n}`,
      source: "/e2e",
      type: "e2e.load.v1",
      resourceid: `r${n % RESOURCES}_u1`,
      data: { n, body: BODY },
    };
    const accepted = await (direction === "down"
      ? this.principal.publish("edge", event)
      : this.agent.publish(event));
    this.#entry(direction, accepted).acceptedAt = acceptedAt;
  }

  /** How long after `since` an event that was accepted after it was applied, in the direction that took longer; undefined while one has none. */
  recoveredAfter(since: number): number | undefined {
    const firsts = (["down", "up"] as const).map((direction) => {
      const applied = [...this.#events[direction].values()].flatMap(({ acceptedAt = 0, appliedAt }) =>
        acceptedAt >= since && appliedAt !== undefined ? [appliedAt - since] : [],
      );
      return Math.min(...applied);
    });
    const last = Math.max(...firsts);
    return last === Number.POSITIVE_INFINITY ? undefined : last;
  }

  /** The longest any event accepted in this time took to be applied. */
  slowest(from: number, to: number): number {
    const delays = this.#all().flatMap(({ acceptedAt = 0, appliedAt = 0 }) =>
      acceptedAt >= from && acceptedAt <= to ? [appliedAt - acceptedAt] : [],
    );
    return Math.max(...delays);
  }

  get accepted(): number {
    return this.#all().filter(({ acceptedAt }) => acceptedAt !== undefined).length;
  }

  /** Accepted and not applied. */
  get missing(): number {
    return this.#all().filter(({ runs }) => runs === 0).length;
  }

  get appliedTwice(): number {
    return this.#all().filter(({ runs }) => runs > 1).length;
  }

  async takeUp(): Promise<void> {
    await this.unload();
    await this.agent.stop({ graceMs: 100 });
    await this.principal.stop();
    await this.proxy.stop();
    for (const store of this.#stores) await store.stop();
  }

  #all(): readonly Entry[] {
    return [...this.#events.down.values(), ...this.#events.up.values()];
  }

  #entry(direction: Direction, key: EventKey): Entry {
    const text = keyText(key);
    const entry = this.#events[direction].get(text) ?? { runs: 0 };
    this.#events[direction].set(text, entry);
    return entry;
  }

  #ran(direction: Direction, key: EventKey): void {
    const entry = this.#entry(direction, key);
    entry.appliedAt ??= systemClock.now();
    entry.runs += 1;
  }
}

function timingOf({ heartbeatIntervalMs = LINE.heartbeatIntervalMs }: LineOptions) {
  return {
    heartbeatIntervalMs,
    heartbeatTimeoutMs: Math.max(LINE.heartbeatTimeoutMs, 3 * heartbeatIntervalMs),
  };
}

/** A dial that nobody answers is given up sooner than by default. */
function impatient(dialer: Dialer): Dialer {
  return { ...dialer, dial: (options) => dialer.dial({ ...options, timeoutMs: LINE.dialTimeoutMs }) };
}
