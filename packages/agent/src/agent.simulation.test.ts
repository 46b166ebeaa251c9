import type { JsonValue } from "@hawser/protocol";
import type { Principal, ResourceView } from "@hawser/principal";
import { defined, type Random } from "@hawser/runtime";
import { ROUGH_NETWORK } from "@hawser/testkit";
import { expect, it } from "vitest";
import { World, type SimulatedAgent } from "./testing/world.js";
import type { ResourceHandler } from "./index.js";

/** Rounds of changes and faults before everything heals. */
const ROUNDS = 25;
const NAMES = ["a", "b", "c", "d"];
const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

/** What handlers made of the world, which outlives the agent; and every rule they saw broken. */
class Machine {
  readonly made = new Map<string, { readonly uid: string; readonly spec: JsonValue }>();
  readonly violations: string[] = [];
  readonly #applied = new Map<string, { readonly version: number; readonly attempt: number }>();
  readonly #random: Random;

  constructor(world: World) {
    this.#random = world.virtual.random("machine");
  }

  /** A handler as one incarnation of the agent has it. */
  handler(wait: (ms: number) => Promise<void>): ResourceHandler {
    const busy = new Set<string>();
    const turn = async (name: string, work: () => void): Promise<void> => {
      if (busy.has(name)) this.violations.push(`two calls for ${name} at once`);
      busy.add(name);
      // Before or after its effect, a handler may fail; and its process may die while it waits.
      await wait(this.#random.next() * 200);
      if (this.#random.next() < 0.1) throw this.#fault(busy, name);
      work();
      await wait(this.#random.next() * 200);
      busy.delete(name);
      if (this.#random.next() < 0.1) throw new Error("failed after the fact");
    };
    return {
      apply: async ({ name, uid, spec, version, attempt }) => {
        this.#check(uid, Number(version), attempt);
        await turn(name, () => {
          const before = this.made.get(name);
          if (before !== undefined && before.uid !== uid)
            this.violations.push(`${name} replaced without a delete`);
          this.made.set(name, { uid, spec });
        });
        return { has: spec };
      },
      delete: ({ name, uid }) =>
        turn(name, () => {
          if (this.made.get(name)?.uid === uid) this.made.delete(name);
        }),
    };
  }

  #fault(busy: Set<string>, name: string): Error {
    busy.delete(name);
    return new Error("failed before the fact");
  }

  #check(uid: string, version: number, attempt: number): void {
    const last = this.#applied.get(uid);
    if (last !== undefined && version < last.version)
      this.violations.push(`${uid} went back from ${last.version}`);
    if (last?.version === version && attempt <= last.attempt)
      this.violations.push(`${uid} version ${version} ran again as attempt ${attempt}`);
    this.#applied.set(uid, { version, attempt });
  }
}

async function run(seed: number): Promise<void> {
  const world = new World(seed, ROUGH_NETWORK);
  const random = world.virtual.random("scenario");
  const { principal } = await world.principal();
  const machine = new Machine(world);
  const start = async (disk?: SimulatedAgent["disk"]): Promise<SimulatedAgent> => {
    let wait = (_ms: number): Promise<void> => Promise.resolve();
    const handler = machine.handler((ms) => wait(ms));
    const one = await world.agent({
      handlers: { Job: handler },
      timing: { rotationMinMs: 5_000, rotationMaxMs: 20_000 },
      ...defined({ disk }),
    });
    const { timers } = one.host.runtime;
    wait = (ms) => new Promise((resolve) => timers.after(ms, resolve));
    await world.settled(one.agent.start());
    return one;
  };
  let one = await start();
  for (let round = 0; round < ROUNDS; round += 1) {
    await change(world, principal, random, round);
    await world.virtual.advance(random.next() * 3_000);
    const dice = random.next();
    if (dice < 0.15) {
      one.kill();
      await world.virtual.advance(random.next() * 3_000);
      one = await start(one.disk);
    } else if (dice < 0.25) one.agent.rotate();
    else if (dice < 0.3) {
      await world.settled(one.agent.stop(), 120_000);
      await world.settled(one.agent.start());
    }
  }
  world.network.heal();
  const converged = await settle(world, principal, machine);
  expect(machine.violations).toEqual([]);
  expect(converged).toBe("converged");
}

async function change(world: World, principal: Principal, random: Random, round: number): Promise<void> {
  const name = NAMES[Math.floor(random.next() * NAMES.length)] ?? "a";
  const work =
    random.next() < 0.75
      ? principal.resources.put("one", "Job", name, round)
      : principal.resources.delete("one", "Job", name);
  await world.settled<unknown>(work);
}

/** Waits until what the principal wants, what it is told and what is there are one. */
async function settle(world: World, principal: Principal, machine: Machine): Promise<string> {
  let seen: readonly ResourceView[] = [];
  for (let waitedMs = 0; waitedMs < 600_000; waitedMs += 500) {
    seen = await world.settled(principal.resources.list("one", { limit: 100 }));
    const isDone = ({ name, spec, uid, state, version, observedVersion }: ResourceView): boolean => {
      const made = machine.made.get(name);
      return state === "delivered" && made?.uid === uid && made.spec === spec && observedVersion === version;
    };
    if (seen.every(isDone) && seen.length === machine.made.size) return "converged";
    await world.virtual.advance(500);
  }
  return JSON.stringify({ seen, made: [...machine.made] }, null, 1);
}

it.each(SEEDS)("the machine becomes what the principal wants, whatever fails on the way (seed %i)", run);
