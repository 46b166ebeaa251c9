import type { Random } from "@hawser/runtime";
import { addressOf, nameOf } from "./balancer.js";
import { pick } from "./plan.js";
import { PrincipalMachine, type PrincipalProcess } from "./principal-machine.js";
import { SharedStorage, type StoreMachine } from "./store-machine.js";
import type { World } from "./world.js";

/** Where publishers and operators find the principal, or one of several. */
export interface ControlPlane {
  /** Whoever answers now; undefined while nobody does. */
  readonly process: PrincipalProcess | undefined;
  /** Names of the stores so far; the last is the present one. */
  readonly stores: readonly string[];
}

/** Principals that share one store. */
export class PrincipalGroup implements ControlPlane {
  readonly machines: readonly PrincipalMachine<SharedStorage>[];
  readonly store: StoreMachine;
  readonly #random: Random;
  readonly #locks = new Map<PrincipalMachine<SharedStorage>, Promise<void>>();

  constructor(world: World, store: StoreMachine) {
    this.store = store;
    this.#random = world.virtual.random("principals");
    this.machines = Array.from({ length: store.shared.principals }, (_, index) => {
      const name = nameOf(index);
      const storage = new SharedStorage(world, store, name);
      return new PrincipalMachine(world, { name, address: addressOf(index), storage });
    });
    world.serving = () => this.machines.flatMap(({ isServing }, index) => (isServing ? [index] : []));
  }

  get process(): PrincipalProcess | undefined {
    const [first, ...others] = this.machines.filter(({ isServing }) => isServing);
    return first === undefined ? undefined : pick(this.#random, [first, ...others]).process;
  }

  get stores(): readonly string[] {
    return this.machines.find(({ stores }) => stores.length > 0)?.stores ?? [];
  }

  /** Runs this while nobody else starts or ends the machine. */
  exclusively(machine: PrincipalMachine<SharedStorage>, run: () => Promise<void>): Promise<void> {
    const before = this.#locks.get(machine) ?? Promise.resolve();
    const done = before.then(run);
    this.#locks.set(
      machine,
      done.catch(() => {}),
    );
    return done;
  }

  /** The same with all of them. */
  exclusivelyAll(run: () => Promise<void>): Promise<void> {
    return this.machines.reduce<() => Promise<void>>(
      (inner, machine) => () => this.exclusively(machine, inner),
      run,
    )();
  }
}
