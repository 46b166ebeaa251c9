import { createDiskStore, type Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import { WatchedDisk } from "./watched-disk.js";
import type { World } from "./world.js";

/** Where a principal keeps everything. */
export interface PrincipalStorage {
  readonly watched: WatchedDisk;
  /** Whether it is a store elsewhere, which others use as well and which may be out of reach. */
  readonly isShared: boolean;
  /** The store as a new process of the principal sees it. */
  open(host: VirtualHost): Store;
  /**
   * The process of the principal died, or its machine.
   *
   * @returns whether what it wrote without sync is still there
   */
  crashed(what: "process" | "machine"): boolean;
}

/** A disk of its own. */
export class OwnDisk implements PrincipalStorage {
  readonly watched: WatchedDisk;
  readonly isShared = false;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.watched = new WatchedDisk(world, "principal", "principal");
  }

  open(host: VirtualHost): Store {
    const { limits } = this.#world.plan;
    return createDiskStore(this.watched.attach(host), { runtime: host.runtime, limits });
  }

  crashed(what: "process" | "machine"): boolean {
    this.watched.disk.crash(what);
    return what === "process";
  }
}
