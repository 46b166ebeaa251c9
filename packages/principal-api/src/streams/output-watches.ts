import type { Principal, PrincipalObserver } from "@hawser/principal";
import {
  eventClass,
  HawserError,
  parseOutputWindow,
  parseStatusData,
  subjectOf,
  type HawserEvent,
  type OutputPosition,
  type OutputWindow,
} from "@hawser/protocol";
import { guarded, type Runtime, type Timer } from "@hawser/runtime";
import type { LinkObserver } from "@hawser/link";
import { formatStreamId, newBootId, parseStreamId } from "./stream-id.js";

/** How long an agent shows output for one request, in milliseconds: it goes on for so long when nobody looks any more. */
const SHOWN_FOR_MS = 30_000;
/** How often it is asked again while somebody looks. */
const ASK_AGAIN_MS = 10_000;
/** Between two requests for one resource at least, whoever comes, goes or misses something. */
const MIN_ASK_INTERVAL_MS = 1_000;

/** Whose output is looked at. */
export interface OutputTarget {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
}

/** Somebody who looks. */
export interface OutputViewer {
  /** Up to where it has been told; undefined: nothing yet. */
  readonly told: OutputPosition | undefined;
  /** There is more to tell. */
  wake(): void;
}

/** What stands between a viewer and the output. */
export type OutputObstacle =
  /** It may come yet. */
  | { readonly kind: "waiting"; readonly message: string }
  /** The agent will not show it. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** The resource is gone. */
  | { readonly kind: "gone" };

export interface OutputWatchesParts {
  readonly principal: Pick<Principal, "agent" | "resources">;
  readonly runtime: Runtime;
}

/** What requests are named by. */
interface RequestNumbers {
  readonly boot: string;
  last: number;
}

/** The resources whose output somebody looks at: their agents are asked for as long as that is so, once for all who look at the same one. Bounded by the streams that may be open. */
export class OutputWatches {
  readonly #parts: OutputWatchesParts;
  /** No two requests have the same name, or the answer to one would say nothing new to the agent's mailbox. */
  readonly #numbers: RequestNumbers;
  /** By agent, then by `<kind>/<name>`. */
  readonly #watches = new Map<string, Map<string, OutputWatch>>();

  constructor(parts: OutputWatchesParts) {
    this.#parts = parts;
    this.#numbers = { boot: newBootId(parts.runtime.random), last: 0 };
  }

  /** To be added to the observers of a principal. */
  readonly observer: PrincipalObserver = { link: (agent) => this.#link(agent) };

  watch(target: OutputTarget): OutputWatch {
    const { agent, kind, name } = target;
    const ofAgent = this.#watches.get(agent) ?? new Map<string, OutputWatch>();
    const subject = subjectOf(kind, name);
    const watch =
      ofAgent.get(subject) ??
      new OutputWatch(target, this.#numbers, this.#parts, () => {
        ofAgent.delete(subject);
        if (ofAgent.size === 0) this.#watches.delete(agent);
      });
    ofAgent.set(subject, watch);
    this.#watches.set(agent, ofAgent);
    return watch;
  }

  #link(agent: string): LinkObserver {
    const each = (tell: (watch: OutputWatch) => void): void => {
      for (const watch of this.#watches.get(agent)?.values() ?? []) tell(watch);
    };
    return {
      opened: () => each((watch) => watch.ask()),
      ended: () => each((watch) => watch.ask()),
      applied: (event) => {
        if (eventClass(event.type) === "status")
          this.#watches
            .get(agent)
            ?.get(event.subject ?? "")
            ?.reported(event);
      },
      nacked: (nack) => each((watch) => watch.nacked(nack)),
    };
  }
}

/** One resource whose output is looked at. */
export class OutputWatch {
  readonly #target: OutputTarget;
  readonly #numbers: RequestNumbers;
  readonly #parts: OutputWatchesParts;
  readonly #ended: () => void;
  readonly #viewers = new Set<OutputViewer>();
  /** Requests that are not answered. */
  readonly #open = new Set<string>();
  #window: OutputWindow | undefined;
  #obstacle: OutputObstacle | undefined;
  /** The number of the last request. */
  #asked: number;
  #answered = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #next: { readonly timer: Timer; readonly atMs: number } | undefined;

  constructor(target: OutputTarget, numbers: RequestNumbers, parts: OutputWatchesParts, ended: () => void) {
    this.#target = target;
    this.#numbers = numbers;
    this.#asked = numbers.last;
    this.#parts = parts;
    this.#ended = ended;
  }

  /** What was shown last. */
  get window(): OutputWindow | undefined {
    return this.#window;
  }

  get obstacle(): OutputObstacle | undefined {
    return this.#obstacle;
  }

  /** Somebody looks. Answers a number that the first request which asks for them, too, has or is above. */
  join(viewer: OutputViewer): number {
    this.#viewers.add(viewer);
    this.ask();
    return this.#asked + 1;
  }

  leave(viewer: OutputViewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    this.#next?.timer.cancel();
    this.#ended();
  }

  /** Whether the agent has shown what the request with this number asked for. */
  hasAnswered(number: number): boolean {
    return this.#answered >= number;
  }

  /** Asks the agent, as soon as that may be. */
  ask(): void {
    this.#askAt(this.#askedAtMs + MIN_ASK_INTERVAL_MS);
  }

  /** The agent reported a status. */
  reported(event: HawserEvent): void {
    const window = parseOutputWindow(parseStatusData(event).status);
    if (window === undefined) return;
    this.#window = window;
    this.#obstacle = undefined;
    this.#answered = Math.max(this.#answered, parseStreamId(this.#numbers.boot, window.request) ?? 0);
    this.#open.clear();
    this.#wake();
  }

  /** The agent refused an event; it may be one of ours. */
  nacked({ eventid, retryable, code, message }: Parameters<NonNullable<LinkObserver["nacked"]>>[0]): void {
    if (!this.#open.has(eventid)) return;
    this.#obstacle = retryable
      ? { kind: "waiting", message: `${code}: ${message}` }
      : { kind: "refused", code, message };
    this.#wake();
  }

  #askAt(atMs: number): void {
    const { clock, timers } = this.#parts.runtime;
    if (this.#next !== undefined && this.#next.atMs <= atMs) return;
    this.#next?.timer.cancel();
    const timer = timers.after(Math.max(0, atMs - clock.now()), () => {
      this.#next = undefined;
      this.#askedAtMs = clock.now();
      void this.#ask();
    });
    this.#next = { timer, atMs };
  }

  async #ask(): Promise<void> {
    this.#numbers.last += 1;
    this.#asked = this.#numbers.last;
    const request = formatStreamId(this.#numbers.boot, this.#asked);
    try {
      this.#obstacle = await this.#request(request);
    } catch (thrown) {
      const { code, message } = HawserError.from(thrown);
      this.#obstacle = { kind: "waiting", message: `${code}: ${message}` };
    }
    if (this.#viewers.size > 0) this.#askAt(this.#askedAtMs + ASK_AGAIN_MS);
    this.#wake();
  }

  /** What is in the way, if anything is. */
  async #request(request: string): Promise<OutputObstacle | undefined> {
    const { principal } = this.#parts;
    const { agent, kind, name } = this.#target;
    const view = await principal.agent(agent);
    // What it would be asked now would have expired when it comes.
    if (view?.session === undefined)
      return {
        kind: "waiting",
        message: `${agent} is not connected: it ${view?.reason ?? "has never connected"}`,
      };
    const after = this.#toldToAll();
    const asked = { request, forMs: SHOWN_FOR_MS, ...(after === undefined ? {} : { after }) };
    const accepted = await principal.resources.requestOutput(agent, kind, name, asked);
    if (accepted === undefined) return { kind: "gone" };
    this.#open.add(accepted.eventid);
    return undefined;
  }

  /** What everybody who looks has; undefined when somebody has nothing yet. */
  #toldToAll(): OutputPosition | undefined {
    const [first, ...others] = [...this.#viewers].map(({ told }) => told);
    return others.reduce(
      (least, told) =>
        least === undefined || told === undefined || told.log !== least.log
          ? undefined
          : { log: least.log, line: Math.min(least.line, told.line) },
      first,
    );
  }

  #wake(): void {
    // One reader's fault keeps none of the others waiting.
    for (const viewer of this.#viewers)
      guarded(
        () => viewer.wake(),
        (err) => this.#parts.runtime.logger.error({ err }, "a reader threw"),
      );
  }
}
