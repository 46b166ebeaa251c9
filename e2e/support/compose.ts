import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "./eventually.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Building the images installs and compiles everything once. */
const UP_TIMEOUT_MS = 900_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Why compose cannot run here; undefined when it can. */
export function composeMissing(): string | undefined {
  const engine = spawnSync("docker", ["version", "--format", "{{.Server.Version}}"], { encoding: "utf8" });
  if (engine.status !== 0) return "no Docker engine answers";
  const compose = spawnSync("docker", ["compose", "version"], { encoding: "utf8" });
  return compose.status === 0 ? undefined : "docker has no compose";
}

/** A compose file of the repository, under a project name of its own and with ports the system chooses. */
export class ComposeProject {
  readonly #name: string;
  readonly #folder: string;

  /** @param folder where the file is, and what is typed is typed */
  constructor(name: string, folder = root) {
    this.#name = name;
    this.#folder = folder;
  }

  async compose(...args: readonly string[]): Promise<string> {
    const { stdout } = await run("docker", ["compose", ...args], this.#options);
    return stdout;
  }

  /** Runs a line as somebody would type it in the repository; `done` rejects when it fails. */
  shell(line: string): { readonly done: Promise<unknown> } {
    const done = run("bash", ["-c", line], this.#options);
    // Whoever waits later is told nevertheless.
    done.catch(() => {});
    return { done };
  }

  get #options() {
    return {
      cwd: this.#folder,
      env: {
        ...process.env,
        COMPOSE_PROJECT_NAME: this.#name,
        HAWSER_LISTEN_PORT: "0",
        HAWSER_API_PORT: "0",
      },
      timeout: UP_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    };
  }

  /** What the principal makes for its API at its first start; the container is there a moment before. */
  apiToken(): Promise<string> {
    return eventually("the principal has made a token", async () => {
      const made = await this.compose("exec", "--no-TTY", "principal", "cat", "/var/lib/hawser/api-token");
      return made.trim() || undefined;
    });
  }

  /** Where the API of the principal can be reached from here. */
  async server(): Promise<string> {
    return `http://${(await this.compose("port", "principal", "7481")).trim()}`;
  }
}
