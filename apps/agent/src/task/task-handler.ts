import { createHash } from "node:crypto";
import { join } from "node:path";
import type { DeletedResource, DesiredResource, HandlerContext, ResourceHandler } from "@hawser/agent";
import { HawserError, thrownText, type JsonValue, type OutputRequest } from "@hawser/protocol";
import type { Lifecycle, Logger, Runtime } from "@hawser/runtime";
import { Journal } from "../files/journal.js";
import { permit } from "./command-policy.js";
import { endInstance } from "./descendants.js";
import { Task } from "./task.js";
import { TaskCgroups, type CgroupSetting } from "./task-cgroups.js";
import type { TaskConfinement } from "./task-process.js";
import { taskRecordSchema, type TaskRecord } from "./task-record.js";
import { parseTaskSpec, type TaskSpec } from "./task-spec.js";

export interface TaskHandlerOptions {
  readonly runtime: Runtime;
  /** Where the handler notes which processes it runs, so that it finds them after a crash. One agent only. */
  readonly stateDirectory: string;
  /** Tasks held at once; one more is tried again later. @default DEFAULT_MAX_TASKS (64) */
  readonly maxTasks?: number;
  /** Lines of output kept for the status, each cut at 1,000 characters. @default DEFAULT_OUTPUT_LINES (20) */
  readonly outputLines?: number;
  /** Bytes of output kept of each Task for whoever asks to see it. @default DEFAULT_OUTPUT_HISTORY_BYTES (64 KiB) */
  readonly outputHistoryBytes?: number;
  /** What may be run, as whom, and with what of the machine. */
  readonly confinement: Omit<TaskConfinement, "cgroups">;
  /** @default "off" */
  readonly cgroup?: CgroupSetting;
  /** The longest wait between SIGTERM and SIGKILL, whatever a spec asks for. @default DEFAULT_MAX_STOP_GRACE_MS (60 s) */
  readonly maxStopGraceMs?: number;
}

export const DEFAULT_MAX_TASKS = 64;
export const DEFAULT_OUTPUT_LINES = 20;
export const DEFAULT_OUTPUT_HISTORY_BYTES = 65_536;
/** As a status, with every character escaped, it still is an event. */
export const MAX_OUTPUT_HISTORY_BYTES = 131_072;
export const DEFAULT_MAX_STOP_GRACE_MS = 60_000;

interface Held {
  readonly uid: string;
  readonly specSha256: string;
  readonly task: Task;
  /** Of the newest version handed in: where a change is reported. */
  context: HandlerContext;
}

/**
 * Kind `Task`: spec `{ command, args?, env?, cwd?, restart?, stopGraceMs? }` becomes a process without a shell, head of a process group of its own, as far as the policy of this machine
 * allows. Whatever the process starts ends with it.
 *
 * Status `pending`, then `running` with pid, then `exited` with code, signal or error; all with `restarts`. Never do two copies run: a changed spec
 * stops the old process first, and `start` ends whatever an agent that was killed left behind (the process is not adopted, because its output is lost to us). A task whose process
 * was interrupted by the end of the agent runs anew; one that is done is not run again.
 */
export class TaskHandler implements ResourceHandler, Lifecycle {
  readonly #options: TaskHandlerOptions;
  readonly #journal: Journal<typeof taskRecordSchema>;
  readonly #logger: Logger;
  readonly #held = new Map<string, Held>();
  #cgroups: TaskCgroups | undefined;
  #stopping = false;
  /** When every task must have ended, by the clock of the runtime; known once the agent stops. */
  #stopDeadlineMs = Number.POSITIVE_INFINITY;

  constructor(options: TaskHandlerOptions) {
    this.#options = options;
    this.#logger = options.runtime.logger;
    this.#journal = new Journal(join(options.stateDirectory, "task"), taskRecordSchema);
  }

  /**
   * Ends what an earlier agent left running, also where no process may be run any more. Call it once nothing else can hold the state directory, and before the agent starts.
   *
   * @throws HawserError `invalid_config` when the control group that was named cannot be used, or a limit needs one and there is none
   */
  async start(): Promise<void> {
    this.#stopping = false;
    this.#stopDeadlineMs = Number.POSITIVE_INFINITY;
    if (this.#options.confinement.policy().kind !== "off") {
      await this.#openCgroups();
      this.#sayWhatIsNoWall();
    }
    const records = await this.#journal.list();
    await Promise.all(records.map(([name, record]) => this.#endOrphan(name, record)));
  }

  async apply(resource: DesiredResource, context: HandlerContext): Promise<JsonValue> {
    if (this.#stopping) throw new Error("the agent stops");
    const spec = parseTaskSpec(resource.spec);
    await permit(this.#options.confinement.policy(), spec);
    const specSha256 = createHash("sha256").update(JSON.stringify(spec)).digest("hex");
    const held = this.#held.get(resource.name);
    if (held !== undefined && held.uid === resource.uid && held.specSha256 === specSha256) {
      held.context = context;
      return held.task.status;
    }
    if (held === undefined) this.#checkRoom();
    else await this.#stop(resource.name, held);
    const task = await this.#make(resource, spec, specSha256, context);
    await task.start();
    return task.status;
  }

  async delete({ name }: DeletedResource): Promise<void> {
    const held = this.#held.get(name);
    if (held !== undefined) await this.#stop(name, held);
    const record = await this.#journal.load(name);
    if (record === undefined) return;
    await this.#endOrphan(name, record);
    await this.#journal.remove(name);
  }

  async restore(resource: DesiredResource, context: HandlerContext): Promise<void> {
    const status = await this.apply(resource, context);
    // Not waited for: a full mailbox must not keep the agent from its first connection.
    this.#report(context, status);
  }

  output(request: OutputRequest): void {
    const held = this.#held.get(request.name);
    if (held === undefined) throw new Error(`Task ${request.name} is not taken up at the moment`);
    held.task.showOutput(request);
  }

  /** `stop` will have to be over in so many milliseconds from now. */
  stopWithin(ms: number): void {
    this.#stopDeadlineMs = this.#options.runtime.clock.now() + ms;
  }

  /** Stops every task, each within its own grace and all within `stopWithin`. They are taken up again by the next start of the agent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const leftMs = Math.max(0, this.#stopDeadlineMs - this.#options.runtime.clock.now());
    const stopped = await Promise.allSettled(
      [...this.#held].map(([name, held]) => this.#stop(name, held, leftMs)),
    );
    for (const result of stopped) {
      if (result.status === "rejected")
        this.#logger.error({ err: result.reason }, "a task did not stop cleanly");
    }
  }

  async #make(
    { name, uid }: DesiredResource,
    spec: TaskSpec,
    specSha256: string,
    context: HandlerContext,
  ): Promise<Task> {
    const record = await this.#journal.load(name);
    const before = record?.uid === uid && record.specSha256 === specSha256 ? record : undefined;
    if (this.#stopping) throw new Error("the agent stops");
    const task = new Task({
      spec,
      restarts: before?.restarts ?? 0,
      ...(before?.state.kind === "exited" ? { exit: before.state.exit } : {}),
      confinement: { ...this.#options.confinement, cgroups: this.#cgroups },
      maxStopGraceMs: this.#options.maxStopGraceMs ?? DEFAULT_MAX_STOP_GRACE_MS,
      runtime: this.#options.runtime,
      logger: context.logger,
      outputLines: this.#options.outputLines ?? DEFAULT_OUTPUT_LINES,
      outputHistoryBytes: this.#options.outputHistoryBytes ?? DEFAULT_OUTPUT_HISTORY_BYTES,
      save: (restarts, state) => this.#journal.save(name, { uid, specSha256, restarts, state }),
      changed: (status) => this.#report(held.context, status),
    });
    const held: Held = { uid, specSha256, task, context };
    this.#held.set(name, held);
    return task;
  }

  async #stop(name: string, held: Held, withinMs?: number): Promise<void> {
    await held.task.stop(withinMs);
    this.#held.delete(name);
  }

  #report(context: HandlerContext, status: JsonValue): void {
    context.report(status).catch((err: unknown) => {
      const aborted = err instanceof HawserError && err.code === "aborted";
      if (!aborted) context.logger.error({ err }, "cannot report the status of a task");
    });
  }

  async #endOrphan(name: string, record: TaskRecord): Promise<void> {
    if (record.state.kind !== "running") return;
    const { stopGraceMs } = record.state;
    const found = await endInstance(record.state, stopGraceMs, this.#options.runtime);
    if (found > 0)
      this.#logger.warn({ task: name, processes: found }, "ended what an earlier agent left running");
    await this.#journal.save(name, { ...record, state: { kind: "idle" } });
  }

  async #openCgroups(): Promise<void> {
    const { cgroup = "off", confinement, runtime } = this.#options;
    try {
      this.#cgroups = await TaskCgroups.open(cgroup, runtime);
    } catch (thrown) {
      const reason = thrownText(thrown);
      throw new HawserError("invalid_config", `--task-cgroup cannot be used: ${reason}`, { cause: thrown });
    }
    await this.#cgroups?.endAll();
    if (confinement.limits.maxCpus !== undefined && this.#cgroups?.holds.has("cpu") !== true)
      throw new HawserError(
        "invalid_config",
        "--task-max-cpu-percent needs a control group (cgroup v2) of this agent with the cpu controller, and there is none; name one with --task-cgroup, or use --task-max-cpu-time",
      );
  }

  #sayWhatIsNoWall(): void {
    const { user } = this.#options.confinement;
    // Whoever may write the groups of the Tasks may leave them.
    if (user === undefined || user.uid === process.geteuid?.()) {
      this.#logger.warn(
        {},
        "Tasks run as the agent's own user: one that sets out to can leave its control group and its limits, outlive its end, and read the agent's token; --task-user (an agent that runs as root) keeps it from that",
      );
    } else if (this.#cgroups === undefined) {
      this.#logger.warn(
        {},
        "Tasks have no control group: one that leaves its process group and clears its environment outlives its end; name a group of this agent's own with --task-cgroup",
      );
    }
  }

  #checkRoom(): void {
    const max = this.#options.maxTasks ?? DEFAULT_MAX_TASKS;
    if (this.#held.size < max) return;
    throw new Error(`this agent runs ${max} tasks already; delete one or raise its limit`);
  }
}
