import { HawserError, LIMITS, type Codec } from "@hawser/protocol";
import { defined, type Random } from "@hawser/runtime";
import { DEFAULT_BUFFER_LIMITS, type Acceptor, type BufferLimits, type Dialer } from "@hawser/transport";
import { LiveLinks, type Notices } from "./live-links.js";
import { PERFECT_NETWORK, type NetworkFaults } from "./network-faults.js";
import { Partitions, type Route } from "./partitions.js";
import { simulatedAcceptor, type Listening } from "./simulated-acceptor.js";
import { dialSimulated, type SimulatedDialerOptions } from "./simulated-dial.js";
import { SimulatedLink } from "./simulated-link.js";
import type { PipeWorld } from "./simulated-pipe.js";
import type { VirtualHost } from "./virtual-host.js";
import type { VirtualRuntime } from "./virtual-runtime.js";

/** What a simulated network is made of; with one seed, every run is the same. */
export interface SimulatedNetworkOptions {
  readonly virtual: VirtualRuntime;
  /** Decides latencies and faults. @default the seed of `virtual` */
  readonly seed?: number;
  /** @default PERFECT_NETWORK; what is left out is as there */
  readonly faults?: Partial<NetworkFaults>;
  /** Sends every event through it, so that sizes are exact and both ends run the real codec. @default a structural copy */
  readonly codec?: Codec;
  /** @default 1 MiB */
  readonly maxFrameBytes?: number;
  /** @default DEFAULT_BUFFER_LIMITS of @hawser/transport */
  readonly limits?: BufferLimits;
}

/** What happened so far. */
export interface NetworkCounts {
  readonly dials: number;
  readonly connections: number;
  readonly deliveredEvents: number;
  readonly cuts: number;
  readonly partitions: number;
}

/** A network in memory over virtual time, as unkind as its faults say. */
export class SimulatedNetwork {
  readonly #options: SimulatedNetworkOptions;
  readonly #world: PipeWorld;
  readonly #random: Random;
  readonly #listeners = new Map<string, Listening>();
  readonly #links: LiveLinks;
  readonly #partitions: Partitions;
  #faults: NetworkFaults;
  #counts = { dials: 0, connections: 0, deliveredEvents: 0 };

  constructor(options: SimulatedNetworkOptions) {
    const { virtual } = options;
    const { clock, timers } = virtual.runtime;
    this.#options = options;
    this.#faults = { ...PERFECT_NETWORK, ...options.faults };
    this.#random = virtual.random(`network ${options.seed ?? virtual.seed}`);
    this.#world = { clock, timers, random: this.#random, faults: () => this.#faults };
    this.#links = new LiveLinks(this.#world);
    this.#partitions = new Partitions({ ...this.#world, changed: () => this.#applyPartitions() });
    this.#partitions.schedule();
  }

  get faults(): NetworkFaults {
    return this.#faults;
  }

  get counts(): NetworkCounts {
    return { ...this.#counts, cuts: this.#links.cuts, partitions: this.#partitions.count };
  }

  /** Connections of which at least one end is still up. */
  get openConnections(): number {
    return this.#links.size;
  }

  /** The agent's end. Several dialers may share a host. */
  dialer(options: SimulatedDialerOptions): Dialer {
    this.#partitions.know(options.from.name, options.to);
    const parts = {
      ...this.#world,
      separates: (from: string, to: string) => this.#partitions.separates(from, to),
      listenerAt: (address: string) => this.#listeners.get(address),
      connect: (listening: Listening) => this.#connect(options, listening),
    };
    return {
      transport: "simulated",
      dial: (dialOptions) => {
        this.#counts.dials += 1;
        return dialSimulated(parts, options, dialOptions);
      },
    };
  }

  /** The principal's end: `start` listens at `address`. It takes no sockets, for there are none. */
  acceptor({ host, address }: { readonly host: VirtualHost; readonly address: string }): Acceptor {
    return simulatedAcceptor({
      listen: (onConnection) => this.listen(address, host, onConnection),
      terminateAll: (error) => this.#links.terminateAll(host, address, error),
    });
  }

  /**
   * Hands every connection dialled to `address` to `onConnection`, until closed or until `host` is killed.
   *
   * @throws HawserError `port_in_use`
   */
  listen(address: string, host: VirtualHost, onConnection: Listening["onConnection"]): () => void {
    if (this.#listeners.has(address)) throw new HawserError("port_in_use", `${address} is already in use`);
    const listening: Listening = { host, onConnection };
    const close = (): void => {
      if (this.#listeners.get(address) === listening) this.#listeners.delete(address);
    };
    this.#listeners.set(address, listening);
    host.onKill(close);
    return close;
  }

  /** Changes some of the faults from now on; when connections and routes fail next is drawn again. */
  setFaults(faults: Partial<NetworkFaults>): void {
    this.#faults = { ...this.#faults, ...faults };
    this.#links.reschedule();
    this.#partitions.schedule();
  }

  /** No more faults, no partitions. What was cut stays cut: an end that has not noticed has to find out by itself. */
  heal(): void {
    this.setFaults(PERFECT_NETWORK);
    this.#partitions.endAll();
  }

  /** Separates hosts from addresses: dials get no answer, frames wait, as TCP would go on sending them. Answers what ends it. */
  partition(route: Route = {}): () => void {
    return this.#partitions.begin(route);
  }

  /** Cuts the connections on these routes now; both ends notice unless told otherwise. Answers how many were cut. */
  cut(route: Route = {}, notices: Notices = { dialer: true, listener: true }): number {
    return this.#links.cut(route, notices);
  }

  /** Joins a dialer and a listener; both ends exist from now on. */
  #connect(options: SimulatedDialerOptions, listening: Listening): SimulatedLink {
    this.#counts.connections += 1;
    const { from, to, authorization, certificate } = options;
    const link: SimulatedLink = new SimulatedLink({
      world: this.#world,
      peers: {
        dialer: { address: to },
        listener: {
          address: `${from.name}:${this.#counts.connections}`,
          ...defined({ authorization, certificate }),
        },
      },
      limits: this.#options.limits ?? DEFAULT_BUFFER_LIMITS,
      maxFrameBytes: this.#options.maxFrameBytes ?? LIMITS.maxFrameBytes,
      codec: this.#options.codec,
      delivered: () => (this.#counts.deliveredEvents += 1),
      over: () => this.#links.remove(link),
    });
    this.#links.add(link, { dialer: from, listener: listening.host }, to);
    if (this.#partitions.separates(from.name, to)) link.hold();
    return link;
  }

  #applyPartitions(): void {
    this.#links.applyPartitions((from, to) => this.#partitions.separates(from, to));
  }
}

/** Makes a network; the same seed and the same calls give the same run. */
export function createSimulatedNetwork(options: SimulatedNetworkOptions): SimulatedNetwork {
  return new SimulatedNetwork(options);
}
