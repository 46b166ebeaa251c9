import type { HawserEvent } from "@hawser/protocol";

/** `sent`: the newest state appended for the peer. `received`: the newest state of the peer that was recorded. */
export type Direction = "sent" | "received";

/** The newest state event of a subject; it outlives its acknowledgement. */
export interface RetainedState {
  /** `<kind>/<name>` */
  readonly subject: string;
  readonly version: number;
  readonly event: HawserEvent;
  /** For `sent`: not acknowledged yet. A `delete` leaves retained state once acknowledged. Always false for `received`. */
  readonly pending: boolean;
  /**
   * For `sent`: the peer refused it. It is a dead letter that can be sent again, or was one until somebody discarded it: nothing sends it then, unless the
   * peer loses its store.
   */
  readonly refusal: "dead_letter" | "discarded" | undefined;
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
