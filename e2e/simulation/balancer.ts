import type { VirtualHost } from "@hawser/testkit";
import type { Dialer } from "@hawser/transport";
import { below, chance, pick } from "./plan.js";
import type { World } from "./world.js";

/** Of the only principal. */
export const ADDRESS = "principal:443";
/** How often a load balancer has not noticed yet who is down. */
const STALE_SHARE = 0.15;

/** @param index of the principal among those that share a store, from 0 */
export function addressOf(index: number): string {
  return `${nameOf(index)}:443`;
}

export function nameOf(index: number): string {
  return `principal-${index + 1}`;
}

/** What an agent dials: its principal, or any of several as a load balancer chooses. */
export function balancedDialer(world: World, host: VirtualHost): Dialer {
  const { plan, network, virtual } = world;
  if (plan.shared === undefined) return network.dialer({ from: host, to: ADDRESS });
  const random = virtual.random(`balancer of ${host.name} ${host.incarnation}`);
  const dialers = Array.from({ length: plan.shared.principals }, (_, index) =>
    network.dialer({ from: host, to: addressOf(index) }),
  );
  const choose = (): number => {
    const [first, ...others] = world.serving();
    if (first === undefined || chance(random, STALE_SHARE)) return below(random, dialers.length);
    return pick(random, [first, ...others]);
  };
  return {
    transport: "simulated",
    dial: async (options) => {
      const dialer = dialers[choose()];
      if (dialer === undefined) throw new Error("a balancer has a principal for each address");
      return dialer.dial(options);
    },
  };
}
