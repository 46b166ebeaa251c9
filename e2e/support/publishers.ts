import { pause, systemTimers } from "@hawser/runtime";
import type { EventKey } from "./journal.js";
import { Refusal, type PrincipalApi } from "./principal-api.js";

/** Pause between two writes of one publisher, and before an unanswered one is repeated. */
const PAUSE_MS = 15;
const RETRY_PAUSE_MS = 40;
/** Resources a stream of commands goes around: their order is kept per resource, and one resource takes one command at a time. */
const COMMAND_RESOURCES = 8;

/** The newest accepted write of one resource. */
export interface AcceptedSpec {
  readonly n: number;
  readonly resourceid: string;
  readonly version: string;
}

/** Publishers over HTTP that never give up: what was not answered goes again, the same, until it is. They remember every accepted answer. */
export class Publishers {
  /** By `agent/kind/name`. */
  readonly specs = new Map<string, AcceptedSpec>();
  /** Those whose delete was accepted last. */
  readonly deleted = new Set<string>();
  /** Every version of a spec that was accepted for an agent. */
  readonly specKeys = new Map<string, EventKey[]>();
  /** Every command that was accepted for an agent, by its id. */
  readonly commands = new Map<string, Map<string, EventKey>>();
  /** Answers that were no acceptance, in words; empty when all went well. */
  readonly refusals: string[] = [];
  readonly #api: () => PrincipalApi;
  readonly #loops: Promise<void>[] = [];
  #running = true;

  constructor(api: () => PrincipalApi) {
    this.#api = api;
  }

  get accepted(): number {
    const count = (lists: Iterable<{ readonly size: number } | readonly unknown[]>): number =>
      [...lists].reduce((sum, list) => sum + ("size" in list ? list.size : list.length), 0);
    return count(this.specKeys.values()) + count(this.commands.values());
  }

  /** Writes one resource over and over. */
  writeSpecs(
    agent: string,
    kind: string,
    name: string,
    spec: (n: number) => Parameters<PrincipalApi["put"]>[3],
    pauseMs = PAUSE_MS,
  ): void {
    this.#loops.push(this.#repeat(pauseMs, (n) => this.#put(agent, kind, name, n, spec(n))));
  }

  /** The same, but each third time deletes it: the next write makes another resource of that name. */
  writeAndDelete(
    agent: string,
    kind: string,
    name: string,
    spec: (n: number) => Parameters<PrincipalApi["put"]>[3],
  ): void {
    const path = `${agent}/${kind}/${name}`;
    const write = async (n: number): Promise<void> => {
      if (n % 3 > 0) return this.#put(agent, kind, name, n, spec(n));
      await this.#insist(() => this.#api().delete(agent, kind, name));
      this.specs.delete(path);
      this.deleted.add(path);
    };
    this.#loops.push(this.#repeat(PAUSE_MS, write));
  }

  /** Sends one command after the other, around a few resources, each with an id of its own. */
  sendCommands(agent: string, stream: string): void {
    const accepted = this.commands.get(agent) ?? new Map<string, EventKey>();
    this.commands.set(agent, accepted);
    this.#loops.push(
      this.#repeat(PAUSE_MS, async (n) => {
        const event = {
          id: `${stream}-${n}`,
          type: "e2e.order.v1",
          resourceid: `${stream}${n % COMMAND_RESOURCES}_u1`,
          data: { n },
        };
        const { resourceid, eventid } = await this.#insist(() => this.#api().post(agent, event));
        accepted.set(event.id, { resourceid, eventid });
      }),
    );
  }

  /** Ends once every write is answered, so that what has to be there is known. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  async #put(
    agent: string,
    kind: string,
    name: string,
    n: number,
    spec: Parameters<PrincipalApi["put"]>[3],
  ): Promise<void> {
    const { uid, version } = await this.#insist(() => this.#api().put(agent, kind, name, spec));
    const resourceid = `${name}_${uid}`;
    const keys = this.specKeys.get(agent) ?? [];
    keys.push({ resourceid, eventid: version });
    this.specKeys.set(agent, keys);
    this.specs.set(`${agent}/${kind}/${name}`, { n, resourceid, version });
    this.deleted.delete(`${agent}/${kind}/${name}`);
  }

  async #repeat(pauseMs: number, write: (n: number) => Promise<void>): Promise<void> {
    let n = 0;
    while (this.#running) {
      await write(++n);
      await pause(systemTimers, pauseMs);
    }
  }

  // A refusal while the principal comes and goes is an answer, too: it was not accepted, and goes again.
  async #insist<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write();
      } catch (thrown) {
        if (thrown instanceof Refusal && thrown.status !== 503) this.refusals.push(thrown.message);
        await pause(systemTimers, RETRY_PAUSE_MS);
      }
    }
  }
}
