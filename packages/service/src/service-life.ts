import { HawserError } from "@hawser/protocol";
import type { Lifecycle, Logger, Runtime } from "@hawser/runtime";
import type { Telemetry } from "@hawser/telemetry";
import { exitCodeOf, SERVICE_EXIT_CODES } from "./exit-codes.js";
import { leave, leaveAtOnce } from "./leave.js";
import type { ServiceLog } from "./service-log.js";
import type { ServiceManager } from "./service-manager.js";

/** A service that runs. `start` answers what is worth telling whoever waits: names, addresses, how it is secured. */
export interface Service extends Lifecycle<object> {
  /** What its stop still waits for, in words that end "it still waits for ..."; asked when the stop takes too long. */
  readonly waitsFor?: string | undefined;
  /** SIGHUP: files that may have changed are read again; resolves when they were. */
  reload?(): Promise<void>;
}

/** The end of a service's patience with its own stop. */
export interface StopLimit {
  readonly withinMs: number;
  /** The flag that changes it, such as `--stop-grace`. */
  readonly setting: string;
}

/** A start that is not through has served nobody: it is given this long to undo what it did. */
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

/** A service from its start to the end of the process: what its signals do, and when. */
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

  /** Answers what the service is worth telling. Does not resolve when somebody has asked it to stop meanwhile: then the process ends. */
  async start(): Promise<object> {
    try {
      const facts = await this.#options.service.start();
      if (this.#stage === "starting") {
        this.#stage = "serving";
        return facts;
      }
    } catch (thrown) {
      // A start that is undone fails of course.
      if (this.#stage === "starting") throw thrown;
    }
    return new Promise(() => {});
  }

  async #reload(): Promise<void> {
    const { service, manager } = this.#options;
    // While it starts it reads everything anyway.
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
