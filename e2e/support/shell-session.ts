import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { becomes } from "./eventually.js";

/** What one block of commands may take by default: some wait for agents. */
const DEFAULT_BLOCK_TIMEOUT_MS = 120_000;
/** What its background processes may take to end. */
const END_TIMEOUT_MS = 20_000;

/** One terminal, as whoever follows a document keeps open: variables, folders and background processes last from block to block. */
export class ShellSession {
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly #directory: string;
  readonly #blockTimeoutMs: number;
  #said = "";
  #blocks = 0;

  /** @param directory where it begins, and where it keeps what it runs */
  constructor(directory: string, env: NodeJS.ProcessEnv, blockTimeoutMs = DEFAULT_BLOCK_TIMEOUT_MS) {
    this.#directory = directory;
    this.#blockTimeoutMs = blockTimeoutMs;
    // A process group of its own, so that what it left in the background ends with it.
    this.#shell = spawn("bash", [], { cwd: directory, env, detached: true });
    for (const stream of [this.#shell.stdout, this.#shell.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => (this.#said += chunk));
    this.#shell.stdin.on("error", () => {});
    this.#shell.stdin.write("set -eE -o pipefail\ntrap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n");
  }

  /**
   * Runs a block and answers what it said.
   *
   * @throws Error with the same when a command of it fails; nothing runs after that
   */
  async run(commands: string): Promise<string> {
    if (this.#hasEnded) throw new Error("a command before it failed");
    const before = this.#said.length;
    this.#blocks += 1;
    const done = `block ${this.#blocks} is through`;
    const file = join(this.#directory, `.block-${this.#blocks}.sh`);
    await writeFile(file, commands);
    this.#shell.stdin.write(`. '${file}'\necho '${done}'\n`);
    const isOver = (): boolean => this.#said.includes(`${done}\n`, before) || this.#hasEnded;
    await becomes("the commands are through", isOver, this.#blockTimeoutMs).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}\n${this.#said.slice(before)}`);
    });
    const said = this.#said.slice(before);
    if (!said.includes(done)) throw new Error(`a command failed\n${said}`);
    return said.replace(`${done}\n`, "");
  }

  get #hasEnded(): boolean {
    return this.#shell.exitCode !== null || this.#shell.signalCode !== null;
  }

  /** Ends everything it began. */
  async end(): Promise<void> {
    const group = -(this.#shell.pid ?? 0);
    if (group === 0) return;
    const closed = this.#hasEnded ? undefined : once(this.#shell, "close");
    signal(group, "SIGTERM");
    this.#shell.stdin.end();
    await becomes("its processes have ended", () => !signal(group, 0), END_TIMEOUT_MS).catch(() =>
      signal(group, "SIGKILL"),
    );
    await closed;
  }
}

/** False when nobody is there any more. */
function signal(group: number, what: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(group, what);
  } catch {
    return false;
  }
}
