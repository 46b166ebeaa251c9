import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Timers } from "@hawser/runtime";
import { pause } from "./pause.js";

const require = createRequire(import.meta.url);

export interface ServiceOptions {
  /** The workspace package whose service this is, such as `@hawser/app-agent`. */
  readonly package: string;
  /** Its executable inside the package. */
  readonly executable: string;
  readonly name: string;
  readonly args: readonly string[];
  /** Where its log and its ready file go. */
  readonly directory: string;
  readonly timers: Timers;
}

/** How long a service may take until it says it is ready. */
const READY_TIMEOUT_MS = 20_000;
const READY_POLL_MS = 25;

/** One real process of the demo. */
export class Service {
  readonly name: string;
  readonly logFile: string;
  readonly #options: ServiceOptions;
  readonly #readyFile: string;
  #child: ChildProcess | undefined;

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
    const log = openSync(this.logFile, "a");
    const child = spawn(
      process.execPath,
      [program, ...this.#options.args, ...extraArgs, "--ready-file", this.#readyFile],
      { stdio: ["ignore", log, log] },
    );
    this.#child = child;
    return this.#ready(child);
  }

  /** As a power cut would: nothing is said, nothing is written out. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As an operator would. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async #ready(child: ChildProcess): Promise<unknown> {
    for (let waited = 0; waited < READY_TIMEOUT_MS; waited += READY_POLL_MS) {
      if (child.exitCode !== null) break;
      const text = await readFile(this.#readyFile, "utf8").catch(() => undefined);
      if (text !== undefined && text.endsWith("\n")) return JSON.parse(text);
      await pause(this.#options.timers, READY_POLL_MS);
    }
    throw new Error(`${this.name} did not get ready; its log is ${this.logFile}`);
  }
}
