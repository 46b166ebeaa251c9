import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { pinnedTo, UNPINNED } from "./core-pinning.js";
import type { Reply } from "./served-commands.js";

export type Role =
  | "principal"
  | "agents"
  | "raw-server"
  | "raw-clients"
  | "fleet"
  | "api/server"
  | "storm/hawser-server"
  | "storm/naive-server"
  | "storm/naive-agents"
  | "storm/socket-io-server"
  | "storm/socket-io-agents";

export interface ChildOptions {
  /** The one core it stays on; absent, it runs wherever the system puts it. */
  readonly core?: number;
  /** Writes a V8 CPU profile there when the child ends. */
  readonly profileDirectory?: string | undefined;
  /** Threads for the file system, of which a store uses one per operation. */
  readonly poolThreads?: number;
  /** V8's `--max-semi-space-size`, in MiB. @default Node's own, 16 */
  readonly semiSpaceMb?: number | undefined;
}

type ArgumentsOf<Method> = Method extends (...args: infer Arguments) => unknown ? Arguments : never;
type ResultOf<Method> = Method extends (...args: never) => Promise<infer Result> ? Result : never;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** One process of a bench, on its own core. */
export class Child<Commands extends object> {
  readonly #process: ChildProcess;
  readonly #role: Role;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #requests = 0;

  constructor(role: Role, { core, profileDirectory, poolThreads, semiSpaceMb }: ChildOptions) {
    this.#role = role;
    // `gc` lets a memory reading begin from what is alive.
    const flags = ["--expose-gc"];
    if (semiSpaceMb !== undefined) flags.push(`--max-semi-space-size=${semiSpaceMb}`);
    if (profileDirectory !== undefined)
      flags.push("--cpu-prof", `--cpu-prof-dir=${profileDirectory}`, `--cpu-prof-name=${role}.cpuprofile`);
    const { execPath, prefix } = core === undefined ? UNPINNED : pinnedTo(core);
    this.#process = fork(fileURLToPath(new URL(`./${role}-process.js`, import.meta.url)), [], {
      execPath,
      execArgv: [...prefix, ...flags],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: {
        ...process.env,
        ...(poolThreads === undefined ? {} : { UV_THREADPOOL_SIZE: String(poolThreads) }),
      },
    });
    this.#process.on("message", (reply: Reply) => this.#answered(reply));
    this.#exited = new Promise((resolve) => this.#process.once("exit", () => resolve()));
    void this.#exited.then(() => this.#failAll());
    this.#process.once("error", () => this.#failAll());
  }

  /** Asks the child, and resolves with its answer. Both ends are compiled from the same interface, so the answer is what that says. */
  call<Name extends keyof Commands & string>(
    command: Name,
    ...args: ArgumentsOf<Commands[Name]>
  ): Promise<ResultOf<Commands[Name]>> {
    return this.#request(command, args[0]) as Promise<ResultOf<Commands[Name]>>;
  }

  #request(command: string, argument: unknown): Promise<unknown> {
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, command, argument }, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Lets the child go; resolves when it has ended, its profile written. */
  async end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#exited;
  }

  /** Ends it as a power cut would; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
  }

  #answered(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(new Error(`${this.#role}: ${reply.error}`));
    else waiting?.resolve(reply.value);
  }

  #failAll(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`${this.#role}: the process ended`));
    this.#waiting.clear();
  }
}
