import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pause, systemTimers } from "@hawser/runtime";

/** How often it looks. */
const LOOK_MS = 10;

/** The content of a file tells which write it is of, so that a step back is seen on the disk itself. */
export class FileWatch {
  readonly violations: string[] = [];
  readonly #newest = new Map<string, number>();
  readonly #folder: string;
  readonly #names: readonly string[];
  #running = true;
  readonly #loop: Promise<void>;

  constructor(folder: string, names: readonly string[]) {
    this.#folder = folder;
    this.#names = names;
    this.#loop = this.#watch();
  }

  static content(n: number): string {
    return `write ${n}\n`;
  }

  /** Which write the file is of; undefined where there is none. */
  async read(name: string): Promise<number | undefined> {
    const text = await readFile(join(this.#folder, name), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    const n = /^write (\d+)\n$/.exec(text)?.[1];
    if (n === undefined) this.violations.push(`half a file: ${JSON.stringify(text)}`);
    return Number(n);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async #watch(): Promise<void> {
    while (this.#running) {
      for (const name of this.#names) {
        const n = await this.read(name);
        const before = this.#newest.get(name) ?? 0;
        if (n !== undefined && n < before) this.violations.push(`${name} went back from ${before} to ${n}`);
        if (n !== undefined) this.#newest.set(name, n);
      }
      await pause(systemTimers, LOOK_MS);
    }
  }
}
