import type { EventFilter } from "../event-log/event-filter.js";
import type { FileTarget, WebhookTarget } from "./sink-definition.js";

/** `delivering`: it gets what there is. `failing`: its last delivery failed, and is tried again. `paused`: somebody stopped it, or its receiver wants no more. */
export type SinkState = "delivering" | "failing" | "paused";

/** A sink as people see it. Times are Unix milliseconds. */
export interface SinkView {
  readonly name: string;
  /** Without the secret, and with the names of the headers alone: what is sent in them may be a secret, too. */
  readonly target:
    | (Omit<WebhookTarget, "secret" | "headers"> & {
        readonly isSigned: boolean;
        readonly headers: readonly string[];
      })
    | (FileTarget & { readonly path: string });
  readonly filter: EventFilter;
  readonly giveUpAfterMs: number;
  readonly state: SinkState;
  /** Everything of interest up to this position of the log was delivered, or is a dead letter. */
  readonly position: number;
  /** Events of the log behind it, those that are of no interest to it included. */
  readonly lag: number;
  /** When the oldest event that it may not have was recorded; undefined when it has all. */
  readonly oldestAt: number | undefined;
  /** How long ago that was; 0 when it has all. */
  readonly lagMs: number;
  /** Since this process began. */
  readonly delivered: number;
  /** Deliveries that failed, since this process began. */
  readonly failures: number;
  /** Events that were given up, and lie there. */
  readonly deadLetters: number;
  readonly lastDeliveredAt: number | undefined;
  /** Why the last delivery failed; undefined once one got through. */
  readonly failure: SinkFailure | undefined;
}

/** An event that a sink gave up. */
export interface SinkDeadLetterView {
  /** Names it among the dead letters of its sink. */
  readonly id: string;
  /** In the log. */
  readonly position: number;
  readonly agent: string;
  readonly resourceid: string;
  readonly eventid: string;
  readonly type: string;
  readonly source: string;
  readonly message: string;
  readonly at: number;
}

/** What a test of a sink showed. */
export interface SinkTest {
  readonly ok: boolean;
  /** Why not. */
  readonly message: string | undefined;
  readonly durationMs: number;
}

/** The last failure of a sink. */
export interface SinkFailure {
  /** Unix milliseconds. */
  readonly at: number;
  readonly message: string;
  /** Events that failed since the last one got through. */
  readonly failing: number;
  /** When the next try is due, Unix milliseconds; undefined when it is under way. */
  readonly nextTryAt: number | undefined;
}

/** How far a sink is. */
export interface SinkProgress {
  readonly position: number;
  /** When the oldest event that it has not delivered was recorded, Unix milliseconds. */
  readonly oldestAt: number | undefined;
  /** Since this process began. */
  readonly delivered: number;
  readonly failures: number;
  readonly deadLettered: number;
  readonly lastDeliveredAt: number | undefined;
  /** Since the last delivery. */
  readonly failure: SinkFailure | undefined;
}
