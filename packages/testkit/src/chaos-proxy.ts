import { connect, createServer, type Server, type Socket } from "node:net";
import { HawserError, startedTwice } from "@hawser/protocol";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { ProxiedConnection } from "./proxied-connection.js";

/** What the proxy does to what passes through it. May be changed at any time. */
export interface ChaosFaults {
  /** Added one way. @default 0 */
  readonly latencyMs: number;
  /** One way. @default Infinity */
  readonly bytesPerSecond: number;
  /** A connection on which nothing passed for so long is reset, as load balancers do. @default Infinity */
  readonly idleCutMs: number;
  /** New connections are reset as soon as they are accepted. @default false */
  readonly refuse: boolean;
  /** New connections are accepted, and nothing of them ever passes. @default false */
  readonly blackHole: boolean;
}

/** A proxy that only passes on. */
export const NO_CHAOS: ChaosFaults = {
  latencyMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  idleCutMs: Number.POSITIVE_INFINITY,
  refuse: false,
  blackHole: false,
};

/** What a chaos proxy stands in front of, and how it begins. */
export interface ChaosProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly runtime: Runtime;
  readonly faults?: Partial<ChaosFaults>;
  /** @default "127.0.0.1" */
  readonly listenHost?: string;
  /** @default 0: a free one, reported by `start` */
  readonly listenPort?: number;
}

/** What a chaos proxy has done so far: connections, then bytes. */
export interface ChaosCounts {
  readonly accepted: number;
  readonly open: number;
  readonly refused: number;
  readonly reset: number;
  readonly swallowed: number;
  readonly idleCut: number;
  /** From clients to the target. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A TCP proxy that treats what passes through it badly. */
export interface ChaosProxy extends Lifecycle<{ readonly host: string; readonly port: number }> {
  readonly counts: ChaosCounts;
  setFaults(faults: Partial<ChaosFaults>): void;
  /** Sends every connection a RST on both sides. Answers how many. */
  resetAll(): number;
  /** Makes every connection half open: nothing passes any more and neither side learns of it. They stay so until reset. Answers how many. */
  swallowAll(): number;
}

/** A TCP proxy that delays, throttles, resets and swallows as it is told; for tests over real sockets. */
export function createChaosProxy(options: ChaosProxyOptions): ChaosProxy {
  return new TcpChaosProxy(options);
}

class TcpChaosProxy implements ChaosProxy {
  readonly #options: ChaosProxyOptions;
  readonly #connections = new Set<ProxiedConnection>();
  #faults: ChaosFaults;
  #server: Server | undefined;
  #counts = { accepted: 0, refused: 0, reset: 0, swallowed: 0, idleCut: 0, bytesUp: 0, bytesDown: 0 };

  constructor(options: ChaosProxyOptions) {
    this.#options = options;
    this.#faults = { ...NO_CHAOS, ...options.faults };
  }

  get counts(): ChaosCounts {
    return { ...this.#counts, open: this.#connections.size };
  }

  async start(): Promise<{ readonly host: string; readonly port: number }> {
    const { listenHost = "127.0.0.1", listenPort = 0 } = this.#options;
    if (this.#server !== undefined) throw startedTwice("this proxy");
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        reject(HawserError.from(error, error.code === "EADDRINUSE" ? "port_in_use" : "address_unavailable"));
      });
      server.listen(listenPort, listenHost, resolve);
    });
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === "string") throw new HawserError("internal", "no TCP address");
    return { host: address.address, port: address.port };
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const connection of this.#connections) connection.reset();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  setFaults(faults: Partial<ChaosFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
    for (const connection of this.#connections) connection.reshape();
  }

  resetAll(): number {
    const chosen = [...this.#connections];
    this.#counts.reset += chosen.length;
    for (const connection of chosen) connection.reset();
    return chosen.length;
  }

  swallowAll(): number {
    const chosen = [...this.#connections].filter((connection) => !connection.isSwallowed);
    this.#counts.swallowed += chosen.length;
    for (const connection of chosen) connection.swallow();
    return chosen.length;
  }

  #accept(client: Socket): void {
    this.#counts.accepted += 1;
    if (this.#faults.refuse) {
      this.#counts.refused += 1;
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const target = connect({ ...this.#options.target, allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    const connection = new ProxiedConnection({
      runtime: this.#options.runtime,
      shape: () => this.#faults,
      idleCutMs: () => this.#faults.idleCutMs,
      client,
      target,
      passed: (direction, bytes) => {
        this.#counts[direction === "up" ? "bytesUp" : "bytesDown"] += bytes;
      },
      idleCut: () => (this.#counts.idleCut += 1),
      over: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    if (this.#faults.blackHole) {
      this.#counts.swallowed += 1;
      connection.swallow();
    }
  }
}
