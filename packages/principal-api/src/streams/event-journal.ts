import type { PrincipalObserver } from "@hawser/principal";
import { formatVersion } from "@hawser/protocol";
import type { LinkObserver } from "@hawser/link";
import { guarded, type Runtime } from "@hawser/runtime";
import type { EventStep, StepName } from "./event-step.js";
import { formatStreamId, newBootId, parseStreamId } from "./stream-id.js";

/** Steps that are remembered: two megabytes or so, and at ten thousand events a second still a third of a second. */
const DEFAULT_JOURNAL_STEPS = 10_000;

type StepDetails = Partial<Pick<EventStep, "attempt" | "code" | "message" | "retryable" | "latencyMs">>;

const NOTHING_MORE: StepDetails = {};

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
    accepted: (agent, event) => this.#add("accepted", agent, event, NOTHING_MORE),
    link: (agent) => this.#link(agent),
  };

  #link(agent: string): LinkObserver {
    return {
      sent: (event, attempt) => this.#add("sent", agent, event, { attempt }),
      acked: ({ resourceid, version, rttMs }) => {
        const event = { resourceid, eventid: formatVersion(version), type: undefined };
        // Of a millisecond in two decimals: more is noise.
        const latencyMs = rttMs === undefined ? undefined : Math.round(rttMs * 100) / 100;
        this.#add("acked", agent, event, { latencyMs });
      },
      nacked: ({ resourceid, eventid, retryable, code, message }) => {
        const event = { resourceid, eventid, type: undefined };
        this.#add("nacked", agent, event, { retryable, code, message });
      },
      deadLettered: (event, code, message) => this.#add("dead_letter", agent, event, { code, message }),
      applied: (event) => this.#add("applied", agent, event, NOTHING_MORE),
      skipped: (event, why) => this.#add("skipped", agent, event, { code: why }),
      refused: (event, retryable, code, message) =>
        this.#add("refused", agent, event, { retryable, code, message }),
    };
  }

  /** On the hot path, so that each step is one object, and all have one shape. */
  #add(
    name: StepName,
    agent: string,
    { resourceid, eventid, type }: Pick<EventStep, "resourceid" | "eventid" | "type">,
    { attempt, code, message, retryable, latencyMs }: StepDetails,
  ): void {
    const at = this.#runtime.clock.wallTime();
    this.#newest += 1;
    this.#steps[this.#newest % this.capacity] = {
      name,
      agent,
      resourceid,
      eventid,
      type,
      attempt,
      code,
      message,
      retryable,
      latencyMs,
      at,
    };
    if (this.#waiting.size === 0 || this.#wakes) return;
    this.#wakes = true;
    this.#runtime.timers.soon(() => this.#wake());
  }

  #wake(): void {
    this.#wakes = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    // One reader's fault keeps none of the others waiting.
    for (const wake of waiting) guarded(wake, (err) => this.#runtime.logger.error({ err }, "a reader threw"));
  }
}
