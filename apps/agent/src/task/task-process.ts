import { spawn, type ChildProcess } from "node:child_process";
import type { Runtime } from "@hawser/runtime";
import type { OutputTail } from "./output-tail.js";
import { signal, TASK_INSTANCE_VARIABLE } from "./process-table.js";
import type { TaskSpec } from "./task-spec.js";

/** How a run ended. `failed`: the process could not be started. */
export type Exit =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "failed"; readonly error: string };

/** What a task's process inherits from the agent; the agent's own settings and secrets are not among it. */
const INHERITED_VARIABLES = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"] as const;

/** How long to wait for the last output once the process is gone: a descendant that left the group may hold the pipe open. */
const OUTPUT_GRACE_MS = 500;

export interface TaskProcessOptions {
  readonly spec: TaskSpec;
  /** Marks the process and all its descendants. */
  readonly instance: string;
  readonly output: OutputTail;
  readonly runtime: Runtime;
}

/** One run of a task: a process at the head of a process group of its own. */
export class TaskProcess {
  readonly pid: number;
  /** Resolves once the process has ended, its group has been killed, and its last output is in. */
  readonly ended: Promise<Exit>;
  readonly #runtime: Runtime;
  #gone = false;

  private constructor(child: ChildProcess, pid: number, runtime: Runtime) {
    this.pid = pid;
    this.#runtime = runtime;
    this.ended = this.#end(child);
  }

  /** Runs the command without a shell. Answers how it failed when it could not be started. */
  static async start({ spec, instance, output, runtime }: TaskProcessOptions): Promise<TaskProcess | Exit> {
    try {
      const child = spawn(spec.command, spec.args, {
        detached: true,
        env: environment(spec, instance),
        stdio: ["ignore", "pipe", "pipe"],
        ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
      });
      for (const stream of [child.stdout, child.stderr]) {
        const sink = output.stream();
        stream.on("data", sink);
        stream.once("end", () => sink(undefined));
      }
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
      });
      if (child.pid === undefined) return { kind: "failed", error: "the process has no pid" };
      return new TaskProcess(child, child.pid, runtime);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return { kind: "failed", error: `${message} (is the command there, and cwd a directory?)` };
    }
  }

  /** SIGTERM to the whole group, SIGKILL after the grace. */
  async stop(graceMs: number): Promise<Exit> {
    this.#signal("SIGTERM");
    const timer = this.#runtime.timers.after(graceMs, () => this.#signal("SIGKILL"));
    try {
      return await this.ended;
    } finally {
      timer.cancel();
    }
  }

  // Once the head is gone its pid may be another's.
  #signal(name: "SIGTERM" | "SIGKILL"): void {
    if (!this.#gone) signal(-this.pid, name);
  }

  #end(child: ChildProcess): Promise<Exit> {
    return new Promise((resolve) => {
      child.once("exit", (code, signalName) => {
        // The head is gone, so the task is over: nothing of its group goes on without it.
        this.#signal("SIGKILL");
        this.#gone = true;
        const exit: Exit =
          code === null ? { kind: "signal", signal: signalName ?? "unknown" } : { kind: "code", code };
        const timer = this.#runtime.timers.after(OUTPUT_GRACE_MS, () => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        });
        child.once("close", () => {
          timer.cancel();
          resolve(exit);
        });
      });
    });
  }
}

function environment(spec: TaskSpec, instance: string): NodeJS.ProcessEnv {
  const inherited: NodeJS.ProcessEnv = {};
  for (const name of INHERITED_VARIABLES) {
    if (process.env[name] !== undefined) inherited[name] = process.env[name];
  }
  return { ...inherited, ...spec.env, [TASK_INSTANCE_VARIABLE]: instance };
}
