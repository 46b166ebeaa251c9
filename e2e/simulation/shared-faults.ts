import { restart, startUp, stopAndStart } from "./faults.js";
import { chance, exponential } from "./plan.js";
import type { PrincipalGroup } from "./principal-group.js";
import type { PrincipalMachine } from "./principal-machine.js";
import { STORE_FAULT_MS } from "./shared-plan.js";
import type { SharedStorage } from "./store-machine.js";
import type { World } from "./world.js";

type Machine = PrincipalMachine<SharedStorage>;

/** Strikes principals that share a store, the store, and the ways between them, until everything heals. @returns one promise for each kind, which ends when all it struck runs again */
export function strikeShared(world: World, group: PrincipalGroup): readonly Promise<void>[] {
  if (world.plan.flavour === "rotations") return [];
  const { meanFaultMs } = world.plan;
  const { meanCutMs, meanOutageMs } = group.store.shared;
  return [
    ...group.machines.map((machine) =>
      world.spawn("faults of a principal", () =>
        nowAndThen(world, meanFaultMs, () => strikePrincipal(world, group, machine)),
      ),
    ),
    ...group.machines.map((machine) =>
      world.spawn("faults of a way to the store", () =>
        nowAndThen(world, meanCutMs, () => cutOff(world, group, machine)),
      ),
    ),
    ...world.plan.agents.map((agent) =>
      world.spawn("handovers", () => nowAndThen(world, meanCutMs, () => moveOver(world, agent))),
    ),
    world.spawn("faults of the store", () => nowAndThen(world, meanOutageMs, () => strikeAll(world, group))),
  ];
}

async function nowAndThen(world: World, meanMs: number, strike: () => Promise<void>): Promise<void> {
  while (!world.isHealed) {
    await world.sleep(exponential(world.random, meanMs));
    if (!world.isHealed) await strike();
  }
}

/** The connection of an agent ends, as when a load balancer closes it. Where the agent comes back is a matter of chance. */
async function moveOver({ network, findings }: World, agent: string): Promise<void> {
  findings.trace("network", `cut ${agent}`);
  network.cut({ from: agent });
}

async function strikePrincipal(world: World, group: PrincipalGroup, machine: Machine): Promise<void> {
  const { random, tally } = world;
  const dice = random.next();
  if (dice < 0.15) {
    machine.process?.host.jumpWallTime((random.next() - 0.5) * 20_000);
    return;
  }
  await group.exclusively(machine, async () => {
    if (dice < 0.6) {
      tally.add("kills of a principal");
      await restart(world, machine, () => machine.kill("process"));
    } else {
      tally.add("stops of a principal");
      await stopAndStart(world, machine);
    }
  });
}

/** For a moment, for a while, or for longer than the principal trusts what it holds. */
async function cutOff(world: World, { store }: PrincipalGroup, machine: Machine): Promise<void> {
  const { random, findings, tally } = world;
  const { longestCutMs, client } = store.shared;
  const dice = random.next();
  const forMs = dice < 0.4 ? 0 : random.next() * (dice < 0.7 ? client.graceMs : longestCutMs);
  findings.trace(machine.name, `is cut off from the store for ${forMs.toFixed()} ms`);
  tally.add(
    forMs === 0 ? "resets between a principal and the store" : "partitions of a principal and the store",
  );
  if (forMs > client.graceMs) tally.add("partitions beyond the grace");
  const end = machine.storage.partition();
  if (forMs > 0) await world.sleep(forMs);
  end();
}

async function strikeAll(world: World, group: PrincipalGroup): Promise<void> {
  const dice = world.random.next();
  if (dice < 0.25) await failStore(world, group);
  else if (dice < 0.45) await slowStore(world, group);
  else if (dice < 0.6) await hideStore(world, group);
  else if (dice < 0.8) await restartStore(world, group);
  else await rollOver(world, group);
}

async function failStore(world: World, { store }: PrincipalGroup): Promise<void> {
  const { random, tally } = world;
  const { disk } = store.watched;
  tally.add("failures of the disk of the store");
  disk.beginFailing(chance(random, 0.5) ? "store_full" : "store_unavailable");
  await world.sleep(random.next() * STORE_FAULT_MS);
  disk.heal();
}

async function slowStore(world: World, { store }: PrincipalGroup): Promise<void> {
  world.findings.trace("store", "is slow");
  world.tally.add("slow ways to the store");
  const end = store.slowDown();
  await world.sleep(world.random.next() * STORE_FAULT_MS);
  end();
}

/** No principal reaches the store. */
async function hideStore(world: World, { machines, store }: PrincipalGroup): Promise<void> {
  world.findings.trace("store", "is out of reach of all");
  world.tally.add("outages of the store for all principals");
  const ends = machines.map((machine) => machine.storage.partition());
  await world.sleep(world.random.next() * store.shared.longestCutMs);
  for (const end of ends) end();
}

/** Principals of this engine go down with their store. */
async function restartStore(world: World, group: PrincipalGroup): Promise<void> {
  await group.exclusivelyAll(async () => {
    world.tally.add("restarts of the store");
    for (const machine of group.machines) machine.kill("process");
    group.store.restart(chance(world.random, 0.5) ? "process" : "machine");
    await Promise.all(group.machines.map((machine) => startUp(world, machine)));
  });
}

/** One principal after the other, as an upgrade does. */
async function rollOver(world: World, group: PrincipalGroup): Promise<void> {
  world.findings.trace("principals", "are restarted one after the other");
  world.tally.add("rolling restarts of all principals");
  for (const machine of group.machines) await group.exclusively(machine, () => stopAndStart(world, machine));
}
