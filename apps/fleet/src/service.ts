import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pause, readableLine, type Timers } from "@hawser/runtime";

const require = createRequire(import.meta.url);

/** To `<directory>/<name>.log`, or line by line to whoever shows them. */
export type ServiceLog =
  | { readonly kind: "file" }
  | { readonly kind: "lines"; readonly onLine: (service: string, line: string) => void };

export interface ServiceOptions {
  /** The package whose service this is, such as `@hawser/app-agent`. */
  readonly package: string;
  /** Its executable inside the package. */
  readonly executable: string;
  readonly name: string;
  readonly args: readonly string[];
  /** Where its ready file goes, and its log if that is a file. */
  readonly directory: string;
  readonly log: ServiceLog;
  readonly timers: Timers;
}

/** How long a service may take until it says it is ready. */
const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 25;
/** How long a service that was asked to stop may take: above every grace it has by default. */
const STOP_TIMEOUT_MS = 30_000;

/** One service as a real process. */
export class Service {
  readonly name: string;
  readonly logFile: string;
  readonly #options: ServiceOptions;
  readonly #readyFile: string;
  #child: ChildProcess | undefined;
  #lastLine = "";

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.name = options.name;
    this.logFile = join(options.directory, `${options.name}.log`);
    this.#readyFile = join(options.directory, `${options.name}.ready.json`);
  }

  /** False as well when nobody started it, or it was asked to end. */
  get diedByItself(): boolean {
    const child = this.#child;
    return child !== undefined && (child.exitCode !== null || child.signalCode !== null);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process and answers what it wrote to its ready file. */
  async start(extraArgs: readonly string[] = []): Promise<unknown> {
    await rm(this.#readyFile, { force: true });
    const manifest = require.resolve(`${this.#options.package}/package.json`);
    const program = join(dirname(manifest), "bin", this.#options.executable);
    const args = [
      program,
      ...this.#options.args,
      ...extraArgs,
      "--log-format",
      "json",
      "--ready-file",
      this.#readyFile,
    ];
    this.#child = this.#spawn(args);
    return this.#ready(this.#child);
  }

  /** As a power cut would: nothing is said, nothing is written out. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As an operator would. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  // A process group of its own: Ctrl-C reaches only the program that started it, which then ends its services in order.
  #spawn(args: readonly string[]): ChildProcess {
    const { log } = this.#options;
    if (log.kind === "file") {
      const file = openSync(this.logFile, "a");
      const child = spawn(process.execPath, args, { stdio: ["ignore", file, file], detached: true });
      closeSync(file);
      return child;
    }
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => {
        this.#lastLine = line;
        log.onLine(this.name, line);
      });
    }
    return child;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    const deadline = this.#options.timers.after(STOP_TIMEOUT_MS, () => child.kill("SIGKILL"));
    await exited;
    deadline.cancel();
  }

  async #ready(child: ChildProcess): Promise<unknown> {
    for (let waited = 0; waited < READY_TIMEOUT_MS; waited += READY_POLL_MS) {
      if (child.exitCode !== null) break;
      const text = await readFile(this.#readyFile, "utf8").catch(() => undefined);
      if (text !== undefined && text.endsWith("\n")) return JSON.parse(text);
      await pause(this.#options.timers, READY_POLL_MS);
    }
    const why =
      this.#options.log.kind === "file" ? `its log is ${this.logFile}` : readableLine(this.#lastLine);
    throw new Error(`${this.name} did not get ready; ${why}`);
  }
}
