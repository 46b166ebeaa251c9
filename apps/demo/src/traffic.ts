import { DEMO_AGENTS } from "@hawser/app-fleet";
import { pause, type Timers } from "@hawser/runtime";
import type { PrincipalApi } from "./principal-api.js";

/** Files each agent keeps that the traffic writes over and over. */
const FILES_PER_AGENT = 4;
const PAUSE_MS = 10;
/** How long to wait before a refused or unanswered write is tried again. */
const RETRY_PAUSE_MS = 100;

/** Changes specs as fast as an impatient operator with a loop, and remembers what was accepted: the promise the demo checks. */
export class Traffic {
  readonly #api: PrincipalApi;
  readonly #timers: Timers;
  /** By `agent/path`: the content of the newest accepted spec. */
  readonly accepted = new Map<string, string>();
  /** Writes nobody answered, by `agent/path`: they may have been accepted. */
  readonly #unanswered = new Set<string>();
  #writes = 0;
  #running = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(api: PrincipalApi, timers: Timers) {
    this.#api = api;
    this.#timers = timers;
  }

  get writes(): number {
    return this.#writes;
  }

  start(): void {
    this.#running = true;
    this.#loop = this.#run();
  }

  /** Ends once every write that got no answer has been repeated, so that what should be there is known. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
  }

  async #run(): Promise<void> {
    for (let round = 0; this.#running || this.#unanswered.size > 0; round += 1) {
      for (const { name } of DEMO_AGENTS) await this.#write(name, `file-${round % FILES_PER_AGENT}`, round);
      await pause(this.#timers, PAUSE_MS);
    }
  }

  async #write(agent: string, file: string, round: number): Promise<void> {
    const path = `traffic/${file}`;
    const key = `${agent}/${path}`;
    const content = `written in round ${round}\n`;
    try {
      await this.#api.put(agent, "ConfigFile", file, { path, content });
      this.accepted.set(key, content);
      this.#unanswered.delete(key);
      this.#writes += 1;
    } catch {
      this.#unanswered.add(key);
      await pause(this.#timers, RETRY_PAUSE_MS);
    }
  }
}
