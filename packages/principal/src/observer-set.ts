import type { LinkObserver } from "@hawser/link";
import type { PrincipalObserver } from "./principal-observer.js";

/** Several observers that are told as one. They may come and go while sessions are open. */
export class ObserverSet {
  #all: readonly PrincipalObserver[];
  /** To be given to whoever tells. */
  readonly observer: PrincipalObserver = {
    accepted: (agent, event) => {
      for (const each of this.#all) each.accepted?.(agent, event);
    },
    rejected: (agent, code) => {
      for (const each of this.#all) each.rejected?.(agent, code);
    },
    discarded: (agent, eventid) => {
      for (const each of this.#all) each.discarded?.(agent, eventid);
    },
    sessionRefused: (agent, code) => {
      for (const each of this.#all) each.sessionRefused?.(agent, code);
    },
    logLineSuppressed: () => {
      for (const each of this.#all) each.logLineSuppressed?.();
    },
    link: (agent) => this.#link(agent),
    gone: (agent) => {
      for (const each of this.#all) each.gone?.(agent);
    },
  };

  constructor(first: PrincipalObserver | undefined) {
    this.#all = first === undefined ? [] : [first];
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
