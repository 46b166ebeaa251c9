import { createAgent, type Agent } from "@hawser/agent";
import type { HawserEvent } from "@hawser/protocol";
import { createPrincipal, type Principal } from "@hawser/principal";
import { createDiskStore, type Disk, type Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import { KIND } from "./agent-machine.js";
import { ADDRESS } from "./balancer.js";
import type { World } from "./world.js";

/** One side while it runs. */
export interface Running<Side> {
  readonly host: VirtualHost;
  readonly store: Store;
  readonly side: Side;
}

/** A principal and its agents, by name. */
export interface Sides {
  readonly principal: Running<Principal>;
  readonly agents: ReadonlyMap<string, Running<Agent>>;
}

/** The disk that a side finds on its host. */
export type DiskOf = (host: VirtualHost) => Disk;

/** @param seen hears of every event of an agent that is no state */
export async function startPrincipal(
  { virtual, network, plan }: World,
  disk: DiskOf,
  seen: (agent: string, event: HawserEvent) => void,
): Promise<Running<Principal>> {
  const { host, store } = await startStore(virtual.host("principal"), disk);
  const { runtime } = host;
  const side = createPrincipal({
    store,
    acceptors: [network.acceptor({ host, address: ADDRESS })],
    runtime,
    timing: plan.timing,
    resend: plan.resend,
    stop: { windowMs: 500 },
    onEvent: async ({ agent, event }) => seen(agent, event),
  });
  await side.start();
  return { host, store, side };
}

/** @param seen hears of every event of the principal that is no state */
export async function startAgent(
  { virtual, network, plan }: World,
  name: string,
  disk: DiskOf,
  seen: (event: HawserEvent) => void,
): Promise<Running<Agent>> {
  const { host, store } = await startStore(virtual.host(name), disk);
  const { runtime } = host;
  const side = createAgent({
    name,
    store,
    dialer: network.dialer({ from: host, to: ADDRESS }),
    runtime,
    timing: plan.timing,
    reconnect: plan.reconnect,
    resend: plan.resend,
    handlers: { [KIND]: { apply: async ({ spec }) => spec, delete: async () => {} } },
    onEvent: async ({ event }) => seen(event),
  });
  await side.start();
  return { host, store, side };
}

/** The agents first, and each cleanly. */
export async function stopSides({ principal, agents }: Sides): Promise<void> {
  for (const { side, store, host } of agents.values()) {
    await side.stop({ graceMs: 2_000 });
    await store.stop();
    host.kill();
  }
  await principal.side.stop();
  await principal.store.stop();
  principal.host.kill();
}

async function startStore(host: VirtualHost, disk: DiskOf): Promise<Omit<Running<unknown>, "side">> {
  const store = createDiskStore(disk(host), { runtime: host.runtime });
  await store.start();
  return { host, store };
}
