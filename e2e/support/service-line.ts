import { mkdir } from "node:fs/promises";
import { pause, systemClock, systemRuntime, systemTimers } from "@hawser/runtime";
import { createChaosProxy, type ChaosProxy } from "@hawser/testkit";
import { eventually } from "./eventually.js";
import { LINE, type LineOptions, type Transport } from "./faulty-line.js";
import { PROGRAMS } from "./programs.js";
import type { ServiceProcess } from "./service-process.js";
import type { TestFleet } from "./test-fleet.js";

/** A spec to the agent this often; each comes back as a status. */
const LOAD_INTERVAL_MS = 50;
/** Order is kept per resource: enough of them that a slow line does not hold the load up. */
const RESOURCES = 20;
const BODY = "x".repeat(500);

/** What the principal service is told so that everything takes a twentieth of the time. */
export function principalArgs(options: LineOptions = {}): readonly string[] {
  const { heartbeatIntervalMs = LINE.heartbeatIntervalMs, keepAliveIntervalMs = LINE.keepAliveIntervalMs } =
    options;
  const timeoutMs = Math.max(LINE.heartbeatTimeoutMs, 3 * heartbeatIntervalMs);
  return [
    `--heartbeat-interval=${heartbeatIntervalMs}ms`,
    `--heartbeat-timeout=${timeoutMs}ms`,
    `--ping-interval=${keepAliveIntervalMs}ms`,
    "--admission-ramp=0s",
    "--stop-window=0s",
  ];
}

interface Put {
  readonly at: number;
  readonly version: string;
}

/** The agent service behind a proxy that does harm, and specs to it whose statuses come back: both ways over the line with every one of them. */
export class ServiceLine {
  readonly proxy: ChaosProxy;
  readonly name: string;
  readonly #fleet: TestFleet;
  readonly #agent: ServiceProcess;
  /** By resource, what was accepted and not seen to be applied yet. */
  readonly #open = new Map<string, Put>();
  readonly #delays: { readonly at: number; readonly ms: number }[] = [];
  #accepted = 0;
  #load: { readonly stop: () => Promise<void> } | undefined;

  private constructor(fleet: TestFleet, proxy: ChaosProxy, name: string, agent: ServiceProcess) {
    this.#fleet = fleet;
    this.proxy = proxy;
    this.name = name;
    this.#agent = agent;
  }

  /** The agent runs and is connected to the principal of this fleet, through a proxy that does no harm yet. */
  static async lay(
    fleet: TestFleet,
    name: string,
    transport: Transport,
    { keepAliveIntervalMs = LINE.keepAliveIntervalMs }: LineOptions = {},
  ): Promise<ServiceLine> {
    const proxy = createChaosProxy({ target: fleet.listen, runtime: systemRuntime() });
    const { host, port } = await proxy.start();
    await mkdir(fleet.path(name, "files"), { recursive: true });
    const agent = fleet.service({
      name,
      program: PROGRAMS.agent,
      args: [
        `--name=${name}`,
        `--url=${transport}://${host}:${port}`,
        `--data-dir=${fleet.path(name, "data")}`,
        `--config-file-root=${fleet.path(name, "files")}`,
        `--ping-interval=${keepAliveIntervalMs}ms`,
        `--dial-timeout=${LINE.dialTimeoutMs}ms`,
        `--reconnect-max=${LINE.backoffMaxMs}ms`,
      ],
    });
    const line = new ServiceLine(fleet, proxy, name, agent);
    await agent.start();
    await fleet.connected(name);
    return line;
  }

  /** How many sessions the agent has had. */
  async sessions(): Promise<number> {
    return (await this.#fleet.connected(this.name)).session.epoch;
  }

  get accepted(): number {
    return this.#accepted;
  }

  /** Keeps specs coming, until `unload`. */
  load(): void {
    let going = true;
    const loop = async (): Promise<void> => {
      for (let n = 0; going; n += 1) {
        await this.put(n);
        await this.#look();
        await pause(systemTimers, LOAD_INTERVAL_MS);
      }
    };
    const done = loop();
    this.#load = {
      stop: () => {
        going = false;
        return done;
      },
    };
  }

  async unload(): Promise<void> {
    await this.#load?.stop();
    this.#load = undefined;
  }

  async put(n: number): Promise<void> {
    const at = systemClock.now();
    const name = `file-${n % RESOURCES}`;
    const spec = { path: name, content: `${n} ${BODY}` };
    const { version } = await this.#fleet.api.put(this.name, "ConfigFile", name, spec);
    this.#accepted += 1;
    // Of a resource only the newest spec is sent: what is still open is open since its first.
    this.#open.set(name, { at: this.#open.get(name)?.at ?? at, version });
  }

  /** How long after `since` the first spec was back that was accepted after it; undefined while none is. */
  flowedAfter(since: number): number | undefined {
    const back = this.#delays.flatMap(({ at, ms }) => (at >= since ? [at + ms - since] : []));
    return back.length === 0 ? undefined : Math.min(...back);
  }

  /** The longest that any spec accepted from then on took to come back. */
  slowest(since: number): number {
    return Math.max(0, ...this.#delays.flatMap(({ at, ms }) => (at >= since ? [ms] : [])));
  }

  /** Everything that was accepted is applied, and the agent's word of it has come back. */
  async isComplete(): Promise<void> {
    await this.unload();
    await eventually(`everything accepted for ${this.name} is applied`, async () => {
      await this.#look();
      return this.#open.size === 0 ? true : undefined;
    });
  }

  async takeUp(): Promise<void> {
    await this.unload();
    await this.#agent.stop();
    await this.proxy.stop();
  }

  async #look(): Promise<void> {
    const now = await this.#fleet.api.resources(this.name);
    const seenAt = systemClock.now();
    for (const { name, observedVersion } of now) {
      const put = this.#open.get(name);
      if (put === undefined || observedVersion !== put.version) continue;
      this.#open.delete(name);
      this.#delays.push({ at: put.at, ms: seenAt - put.at });
    }
  }
}
