import { thrownText } from "@hawser/protocol";
import type { ChildProcess } from "node:child_process";
import type { Logger, Runtime, Timer } from "@hawser/runtime";
import type { CommandPolicy } from "./command-policy.js";
import { permit } from "./command-policy.js";
import { endInstance, signalInstance } from "./descendants.js";
import { type Launched, launch } from "./launch.js";
import { OutputReader } from "./output-reader.js";
import type { OutputTail } from "./output-tail.js";
import { signal } from "./process-table.js";
import type { TaskCgroup, TaskCgroups } from "./task-cgroups.js";
import type { TaskLimits, TaskUser } from "./task-limits.js";
import type { TaskSpec } from "./task-spec.js";

/** How a run ended. `failed`: the process could not be started. */
export type Exit =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "failed"; readonly error: string };

/** How long to wait for the last output once every process is gone. */
const OUTPUT_GRACE_MS = 500;

/** What this machine lets the processes of Tasks do. */
export interface TaskConfinement {
  /** Asked before each run, because the list may be another one then. */
  readonly policy: () => CommandPolicy;
  readonly limits: TaskLimits;
  readonly user: TaskUser | undefined;
  readonly umask: number;
  /** Absent: limits hold for each process alone. */
  readonly cgroups: TaskCgroups | undefined;
}

export interface TaskProcessOptions {
  readonly spec: TaskSpec;
  /** Marks the process and all its descendants. */
  readonly instance: string;
  readonly confinement: TaskConfinement;
  readonly output: OutputTail;
  /** It writes more than its budget, and waits from now on. */
  readonly slowed: () => void;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** One run of a task: a process at the head of a process group of its own, and in a control group of its own where there is one. */
export class TaskProcess {
  readonly pid: number;
  /** Resolves once the process has ended, whatever it started has been killed, and its last output is in. */
  readonly ended: Promise<Exit>;
  readonly #options: TaskProcessOptions;
  readonly #group: TaskCgroup | undefined;
  #kill: { readonly atMs: number; readonly timer: Timer } | undefined;
  #gone = false;

  private constructor(
    { child, pid, outputs }: Launched,
    group: TaskCgroup | undefined,
    options: TaskProcessOptions,
  ) {
    this.pid = pid;
    this.#options = options;
    this.#group = group;
    const { limits } = options.confinement;
    const { clock, timers } = options.runtime;
    const reader = new OutputReader({
      streams: outputs,
      tail: options.output,
      bytesPerSecond: limits.outputBytesPerSecond,
      clock,
      timers,
      slowed: options.slowed,
    });
    this.ended = this.#end(child, reader);
  }

  /** Runs the command without a shell of its own. Answers how it failed when it could not be started, or is no longer allowed. */
  static async start(options: TaskProcessOptions): Promise<TaskProcess | Exit> {
    const { spec, instance, confinement } = options;
    const { policy, limits, user, umask, cgroups } = confinement;
    let group: TaskCgroup | undefined;
    let launched: Launched | undefined;
    try {
      const permitted = await permit(policy(), spec);
      group = await cgroups?.make(instance, limits);
      const heldByGroup = cgroups?.holds ?? new Set();
      launched = await launch({ permitted, instance, limits, heldByGroup, user, umask });
      const started = new TaskProcess(launched, group, options);
      await group?.add(launched.pid);
      launched.begin();
      return started;
    } catch (thrown) {
      launched?.child.kill("SIGKILL");
      await group?.end().catch(() => {});
      const message = thrownText(thrown);
      return { kind: "failed", error: `${message} (is the command there, and cwd a directory?)` };
    }
  }

  /** SIGTERM to every process, SIGKILL after the grace. Called again with a shorter grace it hastens. */
  async stop(graceMs: number): Promise<Exit> {
    const { clock, timers } = this.#options.runtime;
    const atMs = clock.now() + graceMs;
    if (this.#kill === undefined) void this.#terminate();
    if (this.#kill === undefined || atMs < this.#kill.atMs) {
      this.#kill?.timer.cancel();
      this.#kill = { atMs, timer: timers.after(graceMs, () => this.#signal("SIGKILL")) };
    }
    try {
      return await this.ended;
    } finally {
      this.#kill?.timer.cancel();
    }
  }

  async #terminate(): Promise<void> {
    this.#signal("SIGTERM");
    // Those that left the group hear it too, so that they have the same grace.
    try {
      await signalInstance({ instance: this.#options.instance }, "SIGTERM");
    } catch (err) {
      this.#options.logger.error({ err }, "cannot look for what a task has started");
    }
  }

  // Once the head is gone its pid may be another's.
  #signal(name: "SIGTERM" | "SIGKILL"): void {
    if (!this.#gone) signal(-this.pid, name);
  }

  #end(child: ChildProcess, reader: OutputReader): Promise<Exit> {
    return new Promise((resolve) => {
      const closed = new Promise<void>((done) => child.once("close", () => done()));
      child.once("exit", (code, signalName) => {
        // The head is gone, so the task is over: nothing of it goes on without it.
        this.#signal("SIGKILL");
        this.#gone = true;
        reader.finish();
        const exit: Exit =
          code === null ? { kind: "signal", signal: signalName ?? "unknown" } : { kind: "code", code };
        void this.#endDescendants()
          .then(() => this.#lastOutput(reader, closed))
          .then(() => resolve(exit));
      });
    });
  }

  async #endDescendants(): Promise<void> {
    const { instance, runtime, logger } = this.#options;
    try {
      await this.#group?.end();
      const found = await endInstance({ instance }, 0, runtime);
      if (found > 0) logger.info({ processes: found }, "ended what the task had left running");
    } catch (err) {
      logger.error({ err }, "something that the task started does not end");
    }
  }

  async #lastOutput(reader: OutputReader, closed: Promise<void>): Promise<void> {
    const timer = this.#options.runtime.timers.after(OUTPUT_GRACE_MS, () => reader.close());
    await closed;
    timer.cancel();
  }
}
