import type { HawserError } from "@hawser/protocol";
import type { Timer } from "@hawser/runtime";
import { exponential, type NetworkFaults } from "./network-faults.js";
import { matchesRoute, type Route } from "./partitions.js";
import { SIDES, type Side, type SimulatedLink } from "./simulated-link.js";
import type { PipeWorld } from "./simulated-pipe.js";
import type { VirtualHost } from "./virtual-host.js";

/** Which ends of a connection notice that it was cut. */
export type Notices = Readonly<Record<Side, boolean>>;

interface LiveLink {
  readonly link: SimulatedLink;
  readonly hosts: Readonly<Record<Side, VirtualHost>>;
  readonly to: string;
  readonly unbind: (() => void)[];
  cutTimer: Timer | undefined;
}

/** The connections of a simulated network that have an end still up, and the schedule of their end. */
export class LiveLinks {
  readonly #world: PipeWorld;
  readonly #links = new Map<SimulatedLink, LiveLink>();
  #cuts = 0;

  constructor(world: PipeWorld) {
    this.#world = world;
  }

  get size(): number {
    return this.#links.size;
  }

  /** Connections cut so far. */
  get cuts(): number {
    return this.#cuts;
  }

  add(link: SimulatedLink, hosts: LiveLink["hosts"], to: string): void {
    const live: LiveLink = { link, hosts, to, unbind: [], cutTimer: undefined };
    this.#links.set(link, live);
    this.#schedule(live);
    for (const side of SIDES) {
      live.unbind.push(hosts[side].onKill(() => link.killSide(side, this.#isNoticed())));
    }
  }

  remove(link: SimulatedLink): void {
    const live = this.#links.get(link);
    if (live === undefined) return;
    this.#links.delete(link);
    live.cutTimer?.cancel();
    for (const unbind of live.unbind) unbind();
  }

  /** Holds the connections that a partition separates and releases the others. */
  applyPartitions(separates: (from: string, to: string) => boolean): void {
    for (const { link, hosts, to } of this.#links.values()) {
      if (separates(hosts.dialer.name, to)) link.hold();
      else link.release();
    }
  }

  /** Draws anew when each connection will be cut. An exponential draw has no memory, so this may be done at any time. */
  reschedule(): void {
    for (const live of this.#links.values()) this.#schedule(live);
  }

  cut(route: Route, notices: Notices): number {
    const chosen = [...this.#links.values()].filter(({ hosts, to }) =>
      matchesRoute(route, hosts.dialer.name, to),
    );
    for (const live of chosen) this.#cut(live, notices);
    return chosen.length;
  }

  /** Terminates the listener's end of each connection that `host` accepted at `address`. */
  terminateAll(host: VirtualHost, address: string, error: HawserError): void {
    for (const { link, hosts, to } of this.#links.values())
      if (hosts.listener === host && to === address) link.ends.listener.terminate(error);
  }

  #schedule(live: LiveLink): void {
    live.cutTimer?.cancel();
    live.cutTimer = undefined;
    const uptime = exponential(this.#world.random.next(), this.#faults().meanUptimeMs);
    if (uptime === Number.POSITIVE_INFINITY) return;
    live.cutTimer = this.#world.timers.after(uptime, () => {
      this.#cut(live, { dialer: this.#isNoticed(), listener: this.#isNoticed() });
    });
  }

  #cut(live: LiveLink, notices: Notices): void {
    live.cutTimer?.cancel();
    live.cutTimer = undefined;
    this.#cuts += 1;
    live.link.cut(notices);
  }

  #isNoticed(): boolean {
    return this.#world.random.next() >= this.#faults().unnoticedProbability;
  }

  #faults(): NetworkFaults {
    return this.#world.faults();
  }
}
