import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "./eventually.js";
import { plainEnvironment } from "./programs.js";

export interface ServiceProcessOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** What runs the program; this Node when absent. */
  readonly interpreter?: string;
  /** Beside the environment of the tests, without their own settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log and its ready file go. */
  readonly directory: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** How long somebody asked to stop may take before it is killed: above every grace of the services. */
const END_TIMEOUT_MS = 30_000;

/** One service as a real process, started and ended as often as a test likes. */
export class ServiceProcess {
  readonly name: string;
  readonly logFile: string;
  readonly #options: ServiceProcessOptions;
  readonly #readyFile: string;
  #child: ChildProcess | undefined;

  constructor(options: ServiceProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.logFile = join(options.directory, `${options.name}.log`);
    this.#readyFile = join(options.directory, `${options.name}.ready.json`);
  }

  get running(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** How it ended; undefined while it runs, and before its first start. */
  get exit(): Exit | undefined {
    const child = this.#child;
    if (child === undefined || this.running) return undefined;
    return { code: child.exitCode, signal: child.signalCode };
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} does not run`);
    return pid;
  }

  /** Starts it and answers what it wrote to its ready file. */
  async start(extraArgs: readonly string[] = []): Promise<unknown> {
    await rm(this.#readyFile, { force: true });
    const log = openSync(this.logFile, "a");
    const { program, args, interpreter = process.execPath, env } = this.#options;
    const child = spawn(
      interpreter,
      [program, ...args, ...extraArgs, "--ready-file", this.#readyFile],
      // A process group of its own: an interrupt at the terminal reaches the tests, and they end their services in order.
      { stdio: ["ignore", log, log], env: { ...plainEnvironment(), ...env }, detached: true },
    );
    closeSync(log);
    this.#child = child;
    return eventually(`${this.name} gets ready`, async () => {
      if (!this.running) return { ended: child.exitCode };
      const text = await readFile(this.#readyFile, "utf8");
      return text.endsWith("\n") ? (JSON.parse(text) as unknown) : undefined;
    }).then((ready) => {
      if (this.running) return ready;
      throw new Error(`${this.name} ended with ${child.exitCode} before it was ready`);
    });
  }

  /** As a power cut would: nothing is said, nothing is written out. */
  kill(): Promise<Exit> {
    return this.#end("SIGKILL");
  }

  /** As an operator would. */
  stop(): Promise<Exit> {
    return this.#end("SIGTERM");
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async logText(): Promise<string> {
    return readFile(this.logFile, "utf8").catch(() => "");
  }

  /** What it logged so far, over all its lives. Lines that are no JSON are not the logger's. */
  async logLines(): Promise<readonly LogLine[]> {
    return (await this.logText()).split("\n").flatMap((text) => {
      try {
        const line: unknown = JSON.parse(text);
        return isLogLine(line) ? [line] : [];
      } catch {
        return [];
      }
    });
  }

  /** The first line that fits, once it is there. */
  logged(what: string, fits: (line: LogLine) => boolean): Promise<LogLine> {
    return eventually(`the log of ${this.name} has ${what}`, async () => (await this.logLines()).find(fits));
  }

  async #end(signal: NodeJS.Signals): Promise<Exit> {
    const child = this.#child;
    if (child === undefined) return { code: null, signal: null };
    if (this.running) {
      const exited = once(child, "exit", { signal: AbortSignal.timeout(END_TIMEOUT_MS) });
      child.kill(signal);
      await exited.catch(async () => {
        const killed = once(child, "exit");
        child.kill("SIGKILL");
        await killed;
      });
    }
    return { code: child.exitCode, signal: child.signalCode };
  }
}

function isLogLine(value: unknown): value is LogLine {
  return typeof value === "object" && value !== null && "msg" in value && typeof value.msg === "string";
}
