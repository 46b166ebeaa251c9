import { request } from "node:http";
import { pause, systemClock, systemTimers } from "@hawser/runtime";

/** Above what a machine with much else to do takes: the figures tell how long it was. */
const TIMEOUT_MS = 20_000;
const EVERY_MS = 100;
const PATHS = ["/livez", "/readyz"];

/** What fresh connections to the health port were answered. */
export interface ProbeFigures {
  readonly good: number;
  readonly asked: number;
  readonly slowestMs: number;
}

/** Asks a port for both probes, each by a connection of its own, until it is stopped. */
export class HealthProbes {
  readonly #port: number;
  readonly #running: Promise<void>;
  readonly #answers: { readonly status: number; readonly ms: number }[] = [];
  #isOver = false;

  constructor(port: number) {
    this.#port = port;
    this.#running = this.#run();
  }

  async stop(): Promise<ProbeFigures> {
    this.#isOver = true;
    await this.#running;
    const good = this.#answers.filter(({ status }) => status === 200).length;
    const slowestMs = Math.round(Math.max(0, ...this.#answers.map(({ ms }) => ms)));
    return { good, asked: this.#answers.length, slowestMs };
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      for (const path of PATHS) {
        const from = systemClock.now();
        const status = await statusOf(this.#port, path);
        this.#answers.push({ status, ms: systemClock.now() - from });
      }
      await pause(systemTimers, EVERY_MS);
    }
  }
}

/** 0 when there was no answer. */
function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(
      { port, path, host: "127.0.0.1", agent: false, timeout: TIMEOUT_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(0));
    asked.end();
  });
}
