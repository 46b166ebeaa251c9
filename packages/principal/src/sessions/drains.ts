import type { PrincipalLink } from "@hawser/link";
import type { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { DrainOptions, DrainProgress, DrainReport } from "../drain.js";
import { Drain } from "./drain.js";
import { resolveDrainOptions } from "./drain-plan.js";

/** What is drained, and what for. */
export interface DrainsOptions {
  readonly runtime: Runtime;
  /** All connections there are. */
  readonly links: ReadonlySet<PrincipalLink>;
  /** The agent behind a link, once its hello was accepted. */
  readonly agentOf: (link: PrincipalLink) => string | undefined;
  /** A slot for an agent that has none from a drain, in milliseconds from now. */
  readonly slot: () => number;
}

/** The drain that is under way, and those that were taken back and are not over yet. */
export class Drains {
  readonly #options: DrainsOptions;
  #current: { readonly drain: Drain; readonly report: Promise<DrainReport> } | undefined;
  /** Until those are gone whose turn had come. */
  readonly #undone = new Map<Drain, Promise<DrainReport>>();

  constructor(options: DrainsOptions) {
    this.#options = options;
  }

  /** Lets every session go; until `reopen`, new ones are refused, each with a slot. One that is under way goes on as it is. */
  begin(options: DrainOptions): Promise<DrainReport> {
    this.#current ??= this.#newDrain(options);
    return this.#current.report;
  }

  /** The drain that is under way takes no longer than one of these options would. */
  hasten(options: DrainOptions): void {
    this.#current?.drain.hasten(resolveDrainOptions(options));
  }

  get progress(): DrainProgress | undefined {
    return this.#current?.drain.progress();
  }

  /** Lets agents in again, and those stay whose turn to go has not come. Nothing without a drain. */
  undo(): void {
    if (this.#current === undefined) return;
    const { drain, report } = this.#current;
    this.reopen();
    this.#undone.set(drain, report);
    void report.then(() => this.#undone.delete(drain));
    drain.undo();
    this.#options.runtime.logger.warn({}, "a drain was taken back: agents are let in again");
  }

  /** Sessions are let in again. */
  reopen(): void {
    this.#current = undefined;
  }

  /** Why an agent that comes now is not let in, and its slot; undefined while no drain is under way. */
  refusal(agent: string): { readonly error: HawserError; readonly retryAfterMs: number } | undefined {
    return this.#current?.drain.refusal(agent);
  }

  /** A connection ended, of this agent if its hello was accepted, with so many events that will be sent again. */
  ended(link: PrincipalLink, agent: string | undefined, unsettled: number): void {
    for (const drain of this.#undone.keys()) drain.ended(link, agent, unsettled);
    this.#current?.drain.ended(link, agent, unsettled);
  }

  #newDrain(options: DrainOptions): { readonly drain: Drain; readonly report: Promise<DrainReport> } {
    const { links, ...parts } = this.#options;
    const earlier = [...this.#undone];
    const drain = new Drain({
      ...parts,
      plan: resolveDrainOptions(options),
      links: [...links].filter((link) => !earlier.some(([other]) => other.has(link))),
    });
    const going = earlier.map(([, report]) => report);
    return { drain, report: this.#reported(drain, going) };
  }

  /** @param going drains before it, whose sessions are gone as well when it is over */
  async #reported(drain: Drain, going: readonly Promise<DrainReport>[]): Promise<DrainReport> {
    const report = await drain.run();
    await Promise.all(going);
    const { shape, sessions, cutOff: cut_off, kept, unsettledTotal: unsettled } = report;
    const fields = { shape, sessions, cut_off, kept, unsettled, duration_ms: report.durationMs };
    const line = kept > 0 ? "drained as far as it was not taken back" : "drained";
    this.#options.runtime.logger.info(fields, line);
    return report;
  }
}
