import type { AgentMachine } from "./agent-machine.js";
import { chance, exponential } from "./plan.js";
import type { PrincipalMachine } from "./principal-machine.js";
import type { World } from "./world.js";

type Machine = AgentMachine | PrincipalMachine;

/** Strikes one machine now and then, until everything heals; leaves it running. */
export async function strikeMachine(world: World, machine: Machine): Promise<void> {
  const { random, plan } = world;
  while (!world.isHealed) {
    await world.sleep(exponential(random, plan.meanFaultMs));
    if (world.isHealed) return;
    if (plan.flavour === "rotations") rotate(machine);
    else await strike(world, machine);
  }
}

async function strike(world: World, machine: Machine): Promise<void> {
  const { random } = world;
  const dice = random.next();
  if (dice < 0.3) await restart(world, machine, () => machine.kill("process"));
  else if (dice < 0.45) await restart(world, machine, () => machine.kill("machine"));
  else if (dice < 0.6) await stopAndStart(world, machine);
  else if (dice < 0.64) await replace(world, machine);
  else if (dice < 0.8) await failDisk(world, machine);
  else if (dice < 0.88) machine.process?.host.jumpWallTime((random.next() - 0.5) * 20_000);
  else rotate(machine);
}

function rotate(machine: Machine): void {
  const { process } = machine;
  if (process !== undefined && "agent" in process) process.agent.rotate();
}

export async function restart(world: World, machine: Machine, kill: () => void): Promise<void> {
  kill();
  await world.sleep(world.random.next() * (chance(world.random, 0.2) ? 3_000 : 300));
  await startUp(world, machine);
}

/** A start may itself be struck: then it is tried again, as an orchestrator would. */
export async function startUp(world: World, machine: Machine): Promise<void> {
  let isUp = false;
  const started = machine.start().then(() => {
    isUp = true;
  });
  if (!world.isHealed && chance(world.random, 0.1)) {
    await world.sleep(world.random.next() * 5);
    if (!isUp) {
      started.catch(() => {});
      machine.kill("process");
      return startUp(world, machine);
    }
  }
  await started;
}

export async function stopAndStart(world: World, machine: Machine): Promise<void> {
  let isDone = false;
  const stopped = machine.stop().then(() => {
    isDone = true;
  });
  // Whoever stops a process has a deadline; some have a short one.
  if (chance(world.random, 0.3)) {
    await world.sleep(world.random.next() * 300);
    if (!isDone) {
      stopped.catch(() => {});
      return restart(world, machine, () => machine.kill("process"));
    }
  }
  await stopped;
  await world.sleep(world.random.next() * 300);
  await startUp(world, machine);
}

async function replace(world: World, machine: Machine): Promise<void> {
  machine.kill("machine");
  machine.replace();
  await restart(world, machine, () => {});
}

async function failDisk(world: World, { disk }: Machine): Promise<void> {
  disk.beginFailing(chance(world.random, 0.5) ? "store_full" : "store_unavailable");
  await world.sleep(world.random.next() * 3_000);
  disk.heal();
}

/** Cuts connections and separates hosts by hand, besides what the network does by itself. */
export async function strikeNetwork(world: World): Promise<void> {
  const { random, plan, network, findings } = world;
  if (plan.flavour === "rotations") return;
  while (!world.isHealed) {
    await world.sleep(exponential(random, plan.meanFaultMs));
    if (world.isHealed) return;
    const from = plan.agents[Math.floor(random.next() * plan.agents.length)];
    const route = from === undefined || chance(random, 0.3) ? {} : { from };
    if (chance(random, 0.6)) {
      const notices = { dialer: chance(random, 0.6), listener: chance(random, 0.6) };
      findings.trace("network", `cut ${from ?? "all"} ${JSON.stringify(notices)}`);
      network.cut(route, notices);
      continue;
    }
    findings.trace("network", `partition ${from ?? "all"}`);
    const end = network.partition(route);
    await world.sleep(random.next() * 3_000);
    end();
  }
}
