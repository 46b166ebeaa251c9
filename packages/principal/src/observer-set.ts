import type { LinkObserver } from "@hawser/link";
import { type Logger, silentLogger, tellObserver } from "@hawser/runtime";
import type { PrincipalObserver } from "./principal-observer.js";

/** Several observers that are told as one. They may come and go while sessions are open. */
export class ObserverSet {
  #all: readonly PrincipalObserver[];
  readonly #logger: Pick<Logger, "error">;
  /** To be given to whoever tells. */
  readonly observer: PrincipalObserver = {
    accepted: (agent, event) => this.#tell((each) => each.accepted?.(agent, event)),
    rejected: (agent, code) => this.#tell((each) => each.rejected?.(agent, code)),
    discarded: (agent, eventid) => this.#tell((each) => each.discarded?.(agent, eventid)),
    purged: (agent, report) => this.#tell((each) => each.purged?.(agent, report)),
    sessionRefused: (agent, code) => this.#tell((each) => each.sessionRefused?.(agent, code)),
    logLineSuppressed: () => this.#tell((each) => each.logLineSuppressed?.()),
    link: (agent) => this.#link(agent),
    gone: (agent) => this.#tell((each) => each.gone?.(agent)),
  };

  /** @param logger hears of what an observer throws */
  constructor(first: PrincipalObserver | undefined, logger: Pick<Logger, "error"> = silentLogger) {
    this.#all = first === undefined ? [] : [first];
    this.#logger = logger;
  }

  // Whoever tells is in the middle of something, such as the answer to a publisher. What the observer of a session throws, on the other hand, ends that session.
  #tell(tell: (observer: PrincipalObserver) => void): void {
    for (const each of this.#all) tellObserver(() => tell(each), this.#logger);
  }

  /** Answers with what takes it out again. */
  add(observer: PrincipalObserver): () => void {
    this.#all = [...this.#all, observer];
    return () => {
      this.#all = this.#all.filter((each) => each !== observer);
    };
  }

  #link(agent: string): LinkObserver {
    let asked: readonly PrincipalObserver[] = [];
    let links: readonly LinkObserver[] = [];
    let byObserver = new Map<PrincipalObserver, LinkObserver | undefined>();
    /** Those of now; each observer is asked once. */
    const current = (): readonly LinkObserver[] => {
      if (asked === this.#all) return links;
      asked = this.#all;
      byObserver = new Map(
        asked.map((each) => [each, byObserver.has(each) ? byObserver.get(each) : each.link?.(agent)]),
      );
      links = [...byObserver.values()].filter((link) => link !== undefined);
      return links;
    };
    return {
      opened: (session) => {
        for (const each of current()) each.opened?.(session);
      },
      sent: (event, attempt) => {
        for (const each of current()) each.sent?.(event, attempt);
      },
      acked: (event) => {
        for (const each of current()) each.acked?.(event);
      },
      nacked: (event) => {
        for (const each of current()) each.nacked?.(event);
      },
      deadLettered: (event, code, message) => {
        for (const each of current()) each.deadLettered?.(event, code, message);
      },
      applied: (event) => {
        for (const each of current()) each.applied?.(event);
      },
      skipped: (event, why) => {
        for (const each of current()) each.skipped?.(event, why);
      },
      refused: (event, retryable, code, message) => {
        for (const each of current()) each.refused?.(event, retryable, code, message);
      },
      ended: (end) => {
        for (const each of current()) each.ended?.(end);
      },
    };
  }
}
