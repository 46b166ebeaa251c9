import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { eventually } from "./eventually.js";
import { freePorts } from "./free-ports.js";

/** A reverse proxy that Debian has, run from a configuration of the documentation. */
export type FrontProgram = "nginx" | "haproxy";

/** Why this program cannot run here; undefined when it can. */
export function frontMissing(program: FrontProgram): string | undefined {
  const found = spawnSync(program, [program === "nginx" ? "-v" : "-vv"], { stdio: "ignore" });
  return found.error === undefined ? undefined : `${program} is not installed (Debian's package ${program})`;
}

export interface FrontProxyOptions {
  readonly program: FrontProgram;
  /** As the documentation has it. */
  readonly config: string;
  /** What is replaced in it, first come first: addresses and files of this test. */
  readonly replacements: readonly (readonly [from: string | RegExp, to: string])[];
  readonly directory: string;
}

/** The proxy as a process. Its port is chosen once, so that it can go and come back. */
export class FrontProxy {
  readonly port: string;
  readonly #file: string;
  readonly #program: FrontProgram;
  readonly #directory: string;
  #child: ChildProcess | undefined;

  private constructor(program: FrontProgram, directory: string, file: string, port: string) {
    this.#program = program;
    this.#directory = directory;
    this.#file = file;
    this.port = port;
  }

  /** @param portIn where the configuration has the port it listens on */
  static async make(options: FrontProxyOptions, portIn: RegExp): Promise<FrontProxy> {
    const { program, config, replacements, directory } = options;
    const [port = ""] = await freePorts(1);
    await mkdir(directory, { recursive: true });
    let text = config.replace(portIn, (_match, before: string) => `${before}127.0.0.1:${port}`);
    for (const [from, to] of replacements) text = text.replaceAll(from, to);
    const file = join(directory, `${program}.conf`);
    await writeFile(file, program === "nginx" ? belowDirectory(text, directory) : text);
    return new FrontProxy(program, directory, file, port);
  }

  async start(): Promise<void> {
    const args =
      this.#program === "nginx"
        ? ["-p", this.#directory, "-c", this.#file, "-e", "error.log", "-g", "daemon off; pid nginx.pid;"]
        : ["-db", "-f", this.#file];
    const child = spawn(this.#program, args, { stdio: ["ignore", "ignore", "inherit"] });
    this.#child = child;
    await eventually(`${this.#program} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${this.#program} ended with ${child.exitCode}`);
      const socket = connect(Number(this.port), "127.0.0.1");
      try {
        await once(socket, "connect");
        return true;
      } catch {
        return undefined;
      } finally {
        socket.destroy();
      }
    });
  }

  /** Cuts every connection, as a restart of the machine it runs on would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    // SIGTERM is the quick shutdown of both, workers included.
    child.kill("SIGTERM");
    await exited;
  }
}

/** nginx keeps its files where its package put them, which only root may write to. */
function belowDirectory(config: string, directory: string): string {
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${join(directory, name)};`,
  );
  return config.replace("http {", ["http {", "  access_log off;", ...places].join("\n"));
}
