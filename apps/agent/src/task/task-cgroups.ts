import { constants } from "node:fs";
import { access, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectories, type Runtime } from "@hawser/runtime";
import { errorCode } from "../files/system-error.js";
import type { HeldByGroup, TaskLimits } from "./task-limits.js";

/** Where the groups of Tasks are made: found out, none, or a directory of cgroup v2 that an operator gives to this agent. */
export type CgroupSetting = "auto" | "off" | { readonly directory: string };

/** Every group of a Task begins so, and nothing else in the directory does. */
const PREFIX = "hawser-task-";
/** The group the agent itself moves to: a group with processes of its own cannot share out controllers (cgroup-v2, "no internal processes"). */
const OWN_GROUP = "hawser-agent";
const CONTROLLERS = ["pids", "memory", "cpu"] as const;
/** A machine stays usable with so many more, and no sensible Task needs them. */
const DEFAULT_MAX_PROCESSES = 1_024;
const CPU_PERIOD_US = 100_000;
const POLL_MS = 20;
const KILL_PATIENCE_MS = 10_000;

/** The control groups of the Tasks of one agent: each holds its processes to the limits, and ends all of them at once, wherever they went. */
export class TaskCgroups {
  readonly #base: string;
  readonly #controllers: ReadonlySet<string>;
  readonly #runtime: Runtime;

  private constructor(base: string, controllers: ReadonlySet<string>, runtime: Runtime) {
    this.#base = base;
    this.#controllers = controllers;
    this.#runtime = runtime;
  }

  /**
   * With `auto`, undefined where this agent has no group of its own: the directory must belong to this user (not to root, who may write every group and owns none) and hold this agent
   * alone.
   *
   * @throws Error when a directory was named that cannot be used
   */
  static async open(setting: CgroupSetting, runtime: Runtime): Promise<TaskCgroups | undefined> {
    if (setting === "off" || process.platform !== "linux") return undefined;
    if (setting !== "auto") return TaskCgroups.#prepare(setting.directory, runtime);
    const own = process.geteuid?.() === 0 ? undefined : await ownGroup();
    if (own === undefined) return undefined;
    // Whatever is in the way: then there are the limits of each process.
    return TaskCgroups.#prepare(own, runtime).catch(() => undefined);
  }

  static async #prepare(base: string, runtime: Runtime): Promise<TaskCgroups> {
    await access(base, constants.W_OK);
    await access(join(base, "cgroup.kill"), constants.W_OK);
    const inside = await pidsOf(base);
    if (inside.includes(process.pid)) {
      if (inside.some((pid) => pid !== process.pid && pid !== process.ppid))
        throw new Error(`${base} holds other processes than this agent`);
      await makeDirectories(join(base, OWN_GROUP));
      for (const pid of inside) await writeFile(join(base, OWN_GROUP, "cgroup.procs"), String(pid));
    }
    const there = (await readFile(join(base, "cgroup.controllers"), "utf8")).trim().split(" ");
    const controllers = new Set<string>();
    for (const name of CONTROLLERS.filter((each) => there.includes(each))) {
      await writeFile(join(base, "cgroup.subtree_control"), `+${name}`);
      controllers.add(name);
    }
    return new TaskCgroups(base, controllers, runtime);
  }

  /** The limits that groups here can hold. */
  get holds(): HeldByGroup {
    const held = new Set<"processes" | "memory" | "cpu">();
    if (this.#controllers.has("pids")) held.add("processes");
    if (this.#controllers.has("memory")) held.add("memory");
    if (this.#controllers.has("cpu")) held.add("cpu");
    return held;
  }

  /** Ends what an earlier agent left in its groups. Resolves when it is gone; answers how many groups there were. */
  async endAll(): Promise<number> {
    const names = (await readdir(this.#base)).filter((name) => name.startsWith(PREFIX));
    await Promise.all(names.map((name) => this.#group(name).end()));
    return names.length;
  }

  /** A group for one run, with its limits, and nobody in it. */
  async make(instance: string, limits: TaskLimits): Promise<TaskCgroup> {
    const name = `${PREFIX}${instance}`;
    const path = join(this.#base, name);
    await mkdir(path, { mode: 0o700 });
    const { maxProcesses = DEFAULT_MAX_PROCESSES, maxMemoryBytes, maxCpus } = limits;
    const set = (file: string, value: string): Promise<void> => writeFile(join(path, file), value);
    if (this.#controllers.has("pids")) await set("pids.max", String(maxProcesses));
    if (maxMemoryBytes !== undefined && this.#controllers.has("memory")) {
      await set("memory.max", String(maxMemoryBytes));
      // The Task ends as a whole, instead of going on with a part of its processes.
      await set("memory.oom.group", "1");
    }
    if (maxCpus !== undefined && this.#controllers.has("cpu"))
      await set("cpu.max", `${Math.round(maxCpus * CPU_PERIOD_US)} ${CPU_PERIOD_US}`);
    return this.#group(name);
  }

  #group(name: string): TaskCgroup {
    return new TaskCgroup(join(this.#base, name), this.#runtime);
  }
}

/** The group of one run of a Task. */
export class TaskCgroup {
  readonly #path: string;
  readonly #runtime: Runtime;

  constructor(path: string, runtime: Runtime) {
    this.#path = path;
    this.#runtime = runtime;
  }

  /** Everything this process makes from now on is in the group with it. */
  async add(pid: number): Promise<void> {
    await writeFile(join(this.#path, "cgroup.procs"), String(pid));
  }

  /** Kills every process in the group and removes it. @throws Error when something survives */
  async end(): Promise<void> {
    const { clock, timers } = this.#runtime;
    const deadline = clock.now() + KILL_PATIENCE_MS;
    try {
      await writeFile(join(this.#path, "cgroup.kill"), "1");
      while ((await readFile(join(this.#path, "cgroup.events"), "utf8")).includes("populated 1")) {
        if (clock.now() > deadline) throw new Error(`processes in ${this.#path} survive SIGKILL`);
        await new Promise<void>((resolve) => timers.after(POLL_MS, resolve));
      }
      await rmdir(this.#path);
    } catch (thrown) {
      if (errorCode(thrown) !== "ENOENT") throw thrown;
    }
  }
}

/** The directory of the group this process is in, where it may make groups below it. */
async function ownGroup(): Promise<string | undefined> {
  const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
  const path = /^0::(\/.*)$/m.exec(await read("/proc/self/cgroup"))?.[1];
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(await read("/proc/self/mountinfo"))?.[1];
  return path === undefined || mount === undefined ? undefined : join(mount, path);
}

async function pidsOf(group: string): Promise<readonly number[]> {
  const text = await readFile(join(group, "cgroup.procs"), "utf8");
  return text.split("\n").filter(Boolean).map(Number);
}
