import { formatVersion, type HawserEvent } from "@hawser/protocol";
import type { LinkObserver } from "@hawser/link";
import type { Runtime } from "@hawser/runtime";
import type { PrincipalObserver } from "../../principal-observer.js";
import type { EventStep } from "./event-step.js";
import { formatStreamId, newBootId, parseStreamId } from "./stream-id.js";

/** Steps that are remembered: two megabytes or so, and at ten thousand events a second still a third of a second. */
const DEFAULT_JOURNAL_STEPS = 10_000;

/** The last steps in the lives of all events, in the order they were seen here. Not kept over a restart. */
export class EventJournal {
  readonly capacity: number;
  readonly #boot: string;
  readonly #runtime: Runtime;
  readonly #steps: EventStep[] = [];
  readonly #waiting = new Set<() => void>();
  #newest = 0;
  #wakes = false;

  constructor(runtime: Runtime, capacity: number = DEFAULT_JOURNAL_STEPS) {
    this.#runtime = runtime;
    this.capacity = capacity;
    this.#boot = newBootId(runtime.random);
  }

  /** Sequence of the last step; 0 before there was one. */
  get newest(): number {
    return this.#newest;
  }

  /** Sequence of the first step that is still remembered, or of the next one if none is. */
  get oldest(): number {
    return Math.max(1, this.#newest - this.capacity + 1);
  }

  id(sequence: number): string {
    return formatStreamId(this.#boot, sequence);
  }

  /** The sequence behind an id of this journal, if every step after it is still remembered. */
  sequenceOf(id: string): number | undefined {
    const sequence = parseStreamId(this.#boot, id);
    if (sequence === undefined || sequence > this.#newest || sequence < this.oldest - 1) return undefined;
    return sequence;
  }

  /** A step between `oldest` and `newest`. */
  at(sequence: number): EventStep | undefined {
    return this.#steps[sequence % this.capacity];
  }

  /** Calls back after the next steps, once for all that come in one go of the event loop. Answers with what takes it back. */
  onceAdded(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => {
      this.#waiting.delete(wake);
    };
  }

  /** To be added to the observers of a principal. */
  readonly observer: PrincipalObserver = {
    accepted: (agent, { resourceid, eventid, type }) => {
      this.#add({ name: "accepted", agent, resourceid, eventid, type, at: this.#now() });
    },
    link: (agent) => this.#link(agent),
  };

  #link(agent: string): LinkObserver {
    const about = ({ resourceid, eventid, type }: HawserEvent): Omit<EventStep, "name"> => ({
      agent,
      resourceid,
      eventid,
      type,
      at: this.#now(),
    });
    return {
      sent: (event, attempt) => this.#add({ name: "sent", ...about(event), attempt }),
      acked: ({ resourceid, version, rttMs }) => {
        const acked = { agent, resourceid, eventid: formatVersion(version), at: this.#now() };
        this.#add({ name: "acked", ...acked, ...(rttMs === undefined ? {} : { latencyMs: rttMs }) });
      },
      nacked: ({ resourceid, eventid, retryable, code, message }) => {
        const nacked = { agent, resourceid, eventid, retryable, code, message, at: this.#now() };
        this.#add({ name: "nacked", ...nacked });
      },
      deadLettered: (event, code, message) =>
        this.#add({ name: "dead_letter", ...about(event), code, message }),
      applied: (event) => this.#add({ name: "applied", ...about(event) }),
      skipped: (event, why) => this.#add({ name: "skipped", ...about(event), code: why }),
      refused: (event, retryable, code, message) =>
        this.#add({ name: "refused", ...about(event), retryable, code, message }),
    };
  }

  #now(): number {
    return this.#runtime.clock.wallTime();
  }

  #add(step: EventStep): void {
    this.#newest += 1;
    this.#steps[this.#newest % this.capacity] = step;
    if (this.#waiting.size === 0 || this.#wakes) return;
    this.#wakes = true;
    this.#runtime.timers.soon(() => this.#wake());
  }

  #wake(): void {
    this.#wakes = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
