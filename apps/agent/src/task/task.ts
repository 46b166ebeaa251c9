import { thrownText, type JsonValue, type OutputRequest } from "@hawser/protocol";
import { defined, guarded, type Logger, type Runtime, type Timer } from "@hawser/runtime";
import { lineLog } from "./line-log.js";
import { OutputDisplay } from "./output-display.js";
import { OutputLog } from "./output-log.js";
import { OutputTail } from "./output-tail.js";
import { processIdentity } from "./process-table.js";
import { restartDelayMs, STABLE_RUN_MS } from "./restart-decision.js";
import { TaskProcess, type Exit, type TaskConfinement } from "./task-process.js";
import type { TaskRecord } from "./task-record.js";
import type { TaskSpec } from "./task-spec.js";

export interface TaskOptions {
  readonly spec: TaskSpec;
  readonly restarts: number;
  /** It is done already, says the record: it is shown and not run. */
  readonly exit?: Exit;
  readonly confinement: TaskConfinement;
  /** The longest a stop waits between SIGTERM and SIGKILL, whatever the spec asks for. */
  readonly maxStopGraceMs: number;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly outputLines: number;
  /** Bytes of output kept for whoever asks to see it. */
  readonly outputHistoryBytes: number;
  /** Durable when resolved. */
  readonly save: (restarts: number, state: TaskRecord["state"]) => Promise<void>;
  /** The status changed by itself. */
  readonly changed: (status: JsonValue) => void;
}

type State =
  /** Before its first run, or while it is being stopped. */
  | { readonly kind: "pending"; readonly lastExit: Exit | undefined }
  /** Its run has ended, and the next one begins by itself. `startsAt`: Unix milliseconds. */
  | { readonly kind: "restarting"; readonly lastExit: Exit; readonly timer: Timer; readonly startsAt: number }
  | {
      readonly kind: "running";
      readonly process: TaskProcess;
      readonly startedAt: number;
      readonly sinceMs: number;
    }
  | { readonly kind: "exited"; readonly exit: Exit };

/** One Task that is being kept as its spec says: runs the process, and runs it again by the restart policy. */
export class Task {
  readonly #options: TaskOptions;
  readonly #output: OutputTail;
  readonly #log: OutputLog;
  readonly #display: OutputDisplay;
  #state: State = { kind: "pending", lastExit: undefined };
  #restarts: number;
  #quickRuns = 0;
  /** There once it is being stopped. */
  #stopped: Promise<void> | undefined;
  /** Of the current run: it wrote more than its budget and waits at times. */
  #isSlowed = false;
  /** The last thing begun; whatever comes next waits for it. */
  #busy: Promise<void> = Promise.resolve();

  constructor(options: TaskOptions) {
    this.#options = options;
    this.#restarts = options.restarts;
    if (options.exit !== undefined) this.#state = { kind: "exited", exit: options.exit };
    const { clock, timers, random } = options.runtime;
    this.#log = new OutputLog(random.uuid(), options.outputHistoryBytes);
    this.#display = new OutputDisplay({ log: this.#log, clock, timers, changed: () => this.#changed() });
    const logLine = lineLog(clock, options.logger);
    this.#output = new OutputTail(options.outputLines, (line, leftOut) => {
      this.#log.add(line, leftOut);
      this.#display.more();
      logLine(line);
    });
  }

  /** The state people and the principal see, with the output while somebody asks for it. */
  get status(): JsonValue {
    const output = this.#display.window;
    return output === undefined ? this.#stateStatus() : { ...this.#stateStatus(), output: { ...output } };
  }

  /** Shows the output in the status for a while. */
  showOutput(request: OutputRequest): void {
    this.#display.show(request);
  }

  #stateStatus(): { readonly [key: string]: JsonValue } {
    const restarts = this.#restarts;
    const state = this.#state;
    switch (state.kind) {
      case "pending": {
        const lastExit = state.lastExit === undefined ? {} : { lastExit: exitStatus(state.lastExit) };
        return { state: "pending", restarts, ...lastExit, ...this.#lastOutput() };
      }
      case "restarting": {
        const lastExit = exitStatus(state.lastExit);
        const nextStartAt = new Date(state.startsAt).toISOString();
        return { state: "restarting", restarts, lastExit, nextStartAt, ...this.#lastOutput() };
      }
      case "running": {
        const startedAt = new Date(state.startedAt).toISOString();
        return { state: "running", pid: state.process.pid, startedAt, restarts, ...this.#slowed() };
      }
      case "exited":
        return {
          state: "exited",
          ...exitStatus(state.exit),
          restarts,
          ...this.#slowed(),
          ...this.#lastOutput(),
        };
    }
  }

  /** Begins the first run. Resolves when it runs, or when it is known that it does not; rejects when it could not be written down. */
  start(): Promise<void> {
    if (this.#state.kind === "exited") return Promise.resolve();
    this.#busy = this.#run();
    return this.#busy;
  }

  /**
   * Ends the process for good, after at most this many milliseconds between SIGTERM and SIGKILL. What it was is kept in the record only as idle. A second call with less hastens the
   * first.
   */
  stop(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { spec, maxStopGraceMs } = this.#options;
    const graceMs = Math.min(spec.stopGraceMs, maxStopGraceMs, withinMs);
    if (this.#stopped !== undefined && this.#state.kind === "running")
      this.#state.process.stop(graceMs).catch(() => {});
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    // What is shown would stay in the last status for as long as there is no other.
    if (this.#display.close()) this.#changed();
    await this.#busy.catch(() => {});
    const state = this.#state;
    if (state.kind === "restarting") state.timer.cancel();
    if (state.kind === "running") {
      await state.process.stop(graceMs);
      await this.#busy;
    }
    if (this.#state.kind !== "exited") await this.#options.save(this.#restarts, { kind: "idle" });
  }

  async #run(): Promise<void> {
    const { spec, runtime, save, confinement, logger, maxStopGraceMs } = this.#options;
    this.#isSlowed = false;
    this.#log.begin(this.#restarts);
    const instance = runtime.random.uuid();
    const stopGraceMs = Math.min(spec.stopGraceMs, maxStopGraceMs);
    const note = { kind: "running", instance, stopGraceMs } as const;
    await save(this.#restarts, note);
    const started = await TaskProcess.start({
      spec,
      instance,
      confinement,
      output: this.#output,
      slowed: () => this.#slow(),
      runtime,
      logger,
    });
    if (!(started instanceof TaskProcess)) {
      await this.#ended(started, 0);
      return;
    }
    const { pid } = started;
    const sinceMs = runtime.clock.now();
    this.#state = { kind: "running", process: started, startedAt: runtime.clock.wallTime(), sinceMs };
    const identity = await processIdentity(pid);
    await this.#note(() => save(this.#restarts, { ...note, pid, ...defined({ identity }) }));
    void started.ended.then((exit) => {
      this.#busy = this.#ended(exit, runtime.clock.now() - sinceMs);
    });
  }

  async #ended(exit: Exit, ranMs: number): Promise<void> {
    const { spec, runtime, logger, save } = this.#options;
    this.#quickRuns = ranMs >= STABLE_RUN_MS ? 1 : this.#quickRuns + 1;
    const run = { exit, ranMs, restarts: this.#restarts, quickRuns: this.#quickRuns };
    const delayMs = this.#stopped !== undefined ? undefined : restartDelayMs(spec.restart, run);
    logger.info({ ...exitStatus(exit), restarts: this.#restarts, restart_in_ms: delayMs }, "task ended");
    if (this.#stopped !== undefined) {
      this.#state = { kind: "pending", lastExit: exit };
    } else if (delayMs === undefined) {
      this.#state = { kind: "exited", exit };
      await this.#note(() => save(this.#restarts, { kind: "exited", exit }));
    } else {
      this.#restarts += 1;
      const timer = runtime.timers.after(delayMs, () => this.#again());
      const startsAt = runtime.clock.wallTime() + delayMs;
      this.#state = { kind: "restarting", lastExit: exit, timer, startsAt };
    }
    this.#changed();
  }

  // In the middle of a run that begins or ends: what comes next must not depend on who is told.
  #changed(): void {
    guarded(
      () => this.#options.changed(this.status),
      (err) =>
        guarded(
          () => this.#options.logger.error({ err }, "the status of a task could not be told"),
          () => {},
        ),
    );
  }

  #again(): void {
    this.#busy = this.#run().then(
      () => this.#changed(),
      // It could not be written down, so it was not started: as good as a run that failed.
      (thrown: unknown) => this.#ended({ kind: "failed", error: thrownText(thrown) }, 0),
    );
  }

  // The process is there whether or not this could be written; the price of a failure is only that a crash now looks for it by its mark.
  async #note(save: () => Promise<void>): Promise<void> {
    try {
      await save();
    } catch (err) {
      this.#options.logger.error({ err }, "cannot write down the state of a task; check the disk");
    }
  }

  #slow(): void {
    const { logger, confinement } = this.#options;
    const { outputBytesPerSecond } = confinement.limits;
    logger.warn({ bytes_per_second: outputBytesPerSecond }, "a task writes more than is read, and waits");
    this.#isSlowed = true;
    if (this.#state.kind === "running") this.#changed();
  }

  #slowed(): { outputSlowed?: true } {
    return this.#isSlowed ? { outputSlowed: true } : {};
  }

  #lastOutput(): { lastOutput?: readonly string[] } {
    return this.#output.lines.length === 0 ? {} : { lastOutput: [...this.#output.lines] };
  }
}

/** How an exit is shown: `{ code }`, `{ signal }` or `{ error }`. */
function exitStatus(exit: Exit): { readonly [key: string]: JsonValue } {
  switch (exit.kind) {
    case "code":
      return { code: exit.code };
    case "signal":
      return { signal: exit.signal };
    case "failed":
      return { error: exit.error };
  }
}
