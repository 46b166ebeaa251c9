import type { LinkObserver } from "@hawser/link";
import type { PrincipalObserver } from "@hawser/principal";
import { guarded, type Runtime } from "@hawser/runtime";
import { formatStreamId, newBootId, parseStreamId } from "./stream-id.js";

/** Changes of one agent within this time are told as one. */
export const COALESCE_MS = 250;
/** Agents whose last change is remembered; of those that changed longest ago, it is forgotten first. */
const DEFAULT_REMEMBERED_CHANGES = 100_000;

/** `session`: its session began or ended, so that its state may be another one. `counts`: what is pending and such. */
export type AgentChange = "session" | "counts";

export type AgentChangeListener = (agent: string, change: AgentChange) => void;

interface LastChange {
  readonly sequence: number;
  /** Of the last change that was one of its session. */
  readonly sessionSequence: number;
}

/** When each agent changed last, for readers who look up what it is like now when they are able to take it. */
export class AgentChangeLog {
  readonly #runtime: Runtime;
  readonly #remembered: number;
  readonly #boot: string;
  readonly #dirty = new Map<string, AgentChange>();
  /** In the order of their last change. */
  readonly #changes = new Map<string, LastChange>();
  readonly #listeners = new Set<AgentChangeListener>();
  #newest = 0;
  /** Changes up to this one may be forgotten. */
  #forgotten = 0;

  constructor(runtime: Runtime, remembered: number = DEFAULT_REMEMBERED_CHANGES) {
    this.#runtime = runtime;
    this.#remembered = remembered;
    this.#boot = newBootId(runtime.random);
  }

  /** The id of a reader that knows of every change so far. */
  get position(): string {
    return formatStreamId(this.#boot, this.#newest);
  }

  /** The agents that changed behind an id of this log; undefined when some of them may be forgotten. */
  since(id: string): ReadonlyMap<string, AgentChange> | undefined {
    const last = parseStreamId(this.#boot, id);
    if (last === undefined || last > this.#newest || last < this.#forgotten) return undefined;
    const changed = new Map<string, AgentChange>();
    for (const [agent, { sequence, sessionSequence }] of this.#changes) {
      if (sequence > last) changed.set(agent, sessionSequence > last ? "session" : "counts");
    }
    return changed;
  }

  /** Tells of each change from now on. Answers with what ends it. */
  listen(listener: AgentChangeListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** To be added to the observers of a principal. */
  readonly observer: PrincipalObserver = {
    accepted: (agent) => this.#changed(agent, "counts"),
    discarded: (agent) => this.#changed(agent, "counts"),
    purged: (agent) => this.#changed(agent, "counts"),
    // Of one that was removed: an agent that is away has no session whose end would tell.
    gone: (agent) => this.#changed(agent, "counts"),
    link: (agent): LinkObserver => ({
      opened: () => this.#changed(agent, "session"),
      ended: () => this.#changed(agent, "session"),
      sent: () => this.#changed(agent, "counts"),
      acked: () => this.#changed(agent, "counts"),
      deadLettered: () => this.#changed(agent, "counts"),
    }),
  };

  #changed(agent: string, change: AgentChange): void {
    const known = this.#dirty.get(agent);
    if (known === change || known === "session") return;
    if (this.#dirty.size === 0) this.#runtime.timers.after(COALESCE_MS, () => this.#flush());
    this.#dirty.set(agent, change);
  }

  #flush(): void {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const [agent, change] of dirty) {
      this.#newest += 1;
      const before = this.#changes.get(agent);
      // Taken out first, so that it comes in at the end.
      this.#changes.delete(agent);
      const sessionSequence = change === "session" ? this.#newest : (before?.sessionSequence ?? 0);
      this.#changes.set(agent, { sequence: this.#newest, sessionSequence });
      this.#forgetOldest();
      for (const listener of this.#listeners)
        guarded(
          () => listener(agent, change),
          (err) => this.#runtime.logger.error({ err }, "a reader threw"),
        );
    }
  }

  #forgetOldest(): void {
    if (this.#changes.size <= this.#remembered) return;
    for (const [agent, { sequence }] of this.#changes) {
      this.#changes.delete(agent);
      this.#forgotten = sequence;
      return;
    }
  }
}
