import type { HawserEvent } from "@hawser/protocol";

/** `sent`: newest state appended for the peer. `received`: newest state recorded from the peer. */
export type Direction = "sent" | "received";

/** `discarded`: its dead letter was deleted. `purged`: it was deleted while it was pending. */
export type GivenUp = "discarded" | "purged";

/** The newest state event of a subject; it outlives its acknowledgement. */
export interface RetainedState {
  /** `<kind>/<name>` */
  readonly subject: string;
  readonly version: number;
  readonly event: HawserEvent;
  /** For `sent`: not acknowledged yet. Always false for `received`. */
  readonly pending: boolean;
  /**
   * For `sent`: why the peer does not get it. `dead_letter`: it refused it. `discarded` and
   * `purged` states are sent again only when the peer loses its store.
   */
  readonly refusal: "dead_letter" | GivenUp | undefined;
}

/** A piece of a list. */
export interface Page {
  /** Subjects (or peers) greater than this one, in code unit order. @default from the start */
  readonly after?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

/** Reads of what is known; never blocks delivery. */
export interface RetainedStates {
  get(peer: string, direction: Direction, subject: string): Promise<RetainedState | undefined>;
  list(peer: string, direction: Direction, page: Page): Promise<readonly RetainedState[]>;
}
