import type { HawserEvent } from "@hawser/protocol";

/** `sent`: the newest state appended for the peer. `received`: the newest state of the peer that was recorded. */
export type Direction = "sent" | "received";

/** How somebody here gave up a state that is retained: by discarding its dead letter, or by purging it while it was pending. */
export type GivenUp = "discarded" | "purged";

/** The newest state event of a subject; it outlives its acknowledgement. */
export interface RetainedState {
  /** `<kind>/<name>` */
  readonly subject: string;
  readonly version: number;
  readonly event: HawserEvent;
  /** For `sent`: not acknowledged yet. A `delete` leaves retained state once acknowledged. Always false for `received`. */
  readonly pending: boolean;
  /**
   * For `sent`: why the peer does not get it. It refused it, and it is a dead letter that can be sent again, or was one until somebody discarded it. Or somebody purged it
   * before the peer had answered. What was discarded or purged nothing sends, unless the peer loses its store.
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
