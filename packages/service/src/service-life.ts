import { HawserError } from "@hawser/protocol";
import type { Lifecycle, Logger, Runtime } from "@hawser/runtime";
import type { Telemetry } from "@hawser/telemetry";
import { exitCodeOf, SERVICE_EXIT_CODES } from "./exit-codes.js";
import { leave, leaveAtOnce } from "./leave.js";
import type { ServiceLog } from "./service-log.js";
import type { ServiceManager } from "./service-manager.js";

/** A service. `start` returns facts for its observers, such as names and addresses. */
export interface Service extends Lifecycle<object> {
  /** What a slow stop waits for, to follow "it still waits for". */
  readonly waitsFor?: string | undefined;
  /** SIGHUP: reads changed files again; resolves afterwards. */
  reload?(): Promise<void>;
}

/** Limit of a stop. */
export interface StopLimit {
  readonly withinMs: number;
  /** The flag that changes it, such as `--stop-grace`. */
  readonly setting: string;
}

/** An unfinished start serves nobody; it has this long to undo its steps. */
const STARTING_STOP_MS = 2_000;

export interface ServiceLifeOptions {
  readonly program: string;
  readonly service: Service;
  readonly telemetry: Telemetry | undefined;
  readonly runtime: Runtime;
  readonly limit: StopLimit;
  readonly log: ServiceLog;
  readonly manager: ServiceManager;
}

/** The life of a service: its signals and its stages. */
export class ServiceLife {
  readonly #options: ServiceLifeOptions;
  readonly #logger: Logger;
  #stage: "starting" | "serving" | "stopping" = "starting";

  constructor(options: ServiceLifeOptions) {
    this.#options = options;
    this.#logger = options.runtime.logger;
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => this.#asked(signal));
    process.on("SIGHUP", () => void this.#reload());
  }

  /** Returns the service's facts. Never resolves after a stop request: the process ends. */
  async start(): Promise<object> {
    try {
      const facts = await this.#options.service.start();
      if (this.#stage === "starting") {
        this.#stage = "serving";
        return facts;
      }
    } catch (thrown) {
      // A stopped start may well fail.
      if (this.#stage === "starting") throw thrown;
    }
    return new Promise(() => {});
  }

  async #reload(): Promise<void> {
    const { service, manager } = this.#options;
    // A start reads everything anyway.
    if (service.reload === undefined || this.#stage !== "serving") return;
    manager.reloading();
    await service.reload();
    if (this.#stage === "serving") manager.ready();
  }

  #asked(signal: string): void {
    const { service, telemetry, runtime, log, manager } = this.#options;
    if (this.#stage === "stopping") {
      leave(SERVICE_EXIT_CODES.failed, runtime.timers);
      return;
    }
    this.#logger.info({ signal }, "stopping; a second signal ends at once");
    manager.stopping();
    this.#limitStop();
    this.#stage = "stopping";
    const stopped = service.stop().then(() => telemetry?.stop());
    stopped.then(
      () => {
        this.#logger.info({}, "stopped");
        leave(SERVICE_EXIT_CODES.stopped, runtime.timers);
      },
      (thrown: unknown) => {
        log.tellFailure(thrown);
        leave(exitCodeOf(thrown), runtime.timers);
      },
    );
  }

  #limitStop(): void {
    const { service, runtime, limit, log, program } = this.#options;
    const isStarting = this.#stage === "starting";
    const withinMs = isStarting ? Math.min(STARTING_STOP_MS, limit.withinMs) : limit.withinMs;
    const why = isStarting ? "its start was not through" : limit.setting;
    runtime.timers.after(withinMs, () => {
      const left = service.waitsFor === undefined ? "" : `; it still waits for ${service.waitsFor}`;
      log.tellFailure(
        new HawserError("timeout", `${program} did not stop within ${withinMs} ms (${why})${left}`),
      );
      leaveAtOnce(SERVICE_EXIT_CODES.failed);
    });
  }
}
