import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";

const PATIENCE_MS = 30_000;

/** A program that does not end by itself. */
export class Program {
  #child;
  #output = "";
  #ended;
  #watchers = new Set();

  /** @param {string} cwd made when it is not there @param {string} node @param {string[]} args */
  constructor(node, args, cwd, env = process.env) {
    mkdirSync(cwd, { recursive: true });
    this.name = args[0];
    this.#child = spawn(node, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding("utf8").on("data", (chunk) => {
        this.#output += chunk;
        for (const watcher of this.#watchers) watcher();
      });
    this.#ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => resolve(code ?? signal));
    });
  }

  /** Waits until it has said this. @param {RegExp} pattern @returns {Promise<RegExpExecArray>} */
  async says(pattern) {
    let watcher = () => {};
    const found = new Promise((resolve) => {
      watcher = () => {
        const match = pattern.exec(this.#output);
        if (match !== null) resolve(match);
      };
    });
    this.#watchers.add(watcher);
    watcher();
    const late = AbortSignal.timeout(PATIENCE_MS);
    const given = new Promise((resolve) => late.addEventListener("abort", () => resolve(undefined)));
    const match = await Promise.race([found, given, this.#ended.then(() => pattern.exec(this.#output))]);
    this.#watchers.delete(watcher);
    if (match) return match;
    throw new Error(`${this.name} never said ${pattern}, only:\n${this.#output}`);
  }

  /** As Ctrl-C does. */
  async stop() {
    this.#child.kill("SIGINT");
    const code = await this.#ended;
    if (code !== 0) throw new Error(`${this.name} ended with ${code}:\n${this.#output}`);
  }

  kill() {
    this.#child.kill("SIGKILL");
  }
}
