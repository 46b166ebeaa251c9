import { eventClass, type ErrorCode, type EventClass } from "@hawser/protocol";
import { CoalescingQueue } from "./coalescing-queue.js";
import type { Deadline } from "./deadline-queue.js";
import type { Deliverable } from "./deliverable.js";
import type { Place } from "./linked-list.js";

/** An event the writer has not settled. */
export interface Held {
  readonly entry: Deliverable;
  readonly eventClass: EventClass;
  /** Unix milliseconds; Infinity when it never expires. */
  readonly expiresAtMs: number;
  /** Among everything held, in version order; a deadline where it was offered late. */
  readonly place: Place<number> | Deadline<number>;
  /** Sends so far. */
  attempts: number;
  /** Sends since the last answer. */
  unanswered: number;
  /** Monotonic milliseconds of the first send of this session; undefined before it. */
  firstSentAtMs: number | undefined;
  refused: Refused | undefined;
}

/** That the receiver did not apply an event, and why it did not last. */
export interface Refused {
  readonly times: number;
  readonly code: ErrorCode;
  /** At most `MAX_KEPT_MESSAGE_LENGTH` characters of it. */
  readonly message: string;
}

/** Characters kept of the message of a refusal, so that repeated refusals cost no more. */
export const MAX_KEPT_MESSAGE_LENGTH = 256;

/** Where the turn of a resource stands. One event at a time has it; the others wait. */
export type LaneState =
  /** Between two turns, inside one method of the writer. */
  | { readonly kind: "idle" }
  /** The first that waits goes when the window has room. */
  | { readonly kind: "ready"; readonly place: Place<Lane> }
  | InFlight
  /** Refused for now: goes again at the deadline. */
  | { readonly kind: "backoff"; readonly held: Held; readonly deadline: Deadline<Lane> }
  /** Given up: nothing goes until its dead letter is on disk. */
  | { readonly kind: "deadLettering"; readonly held: Held };

/** Sent and not answered. */
export interface InFlight {
  readonly kind: "inFlight";
  readonly held: Held;
  readonly deadline: Deadline<Lane>;
  readonly sentAtMs: number;
  /** The resend timeout the deadline was drawn from. */
  readonly timeoutMs: number;
  /** A newer state waits, or it was purged: this one is not sent again. */
  superseded: boolean;
}

export const IDLE: LaneState = { kind: "idle" };

/** The events of one resource that are not settled. It exists only while there are any. */
export class Lane {
  readonly resourceid: string;
  readonly waiting = new CoalescingQueue<Held>();
  state: LaneState = IDLE;

  constructor(resourceid: string) {
    this.resourceid = resourceid;
  }

  /** The highest version held of the resource; 0 where none is. */
  get newest(): number {
    const newest = this.waiting.last ?? ("held" in this.state ? this.state.held : undefined);
    return newest?.entry.version ?? 0;
  }

  /** The event in turn; undefined between turns and while a dead letter is written. */
  get current(): Held | undefined {
    switch (this.state.kind) {
      case "ready":
        return this.waiting.first;
      case "inFlight":
      case "backoff":
        return this.state.held;
      case "idle":
      case "deadLettering":
        return undefined;
    }
  }
}

/** @param refused when it was held before */
export function hold(entry: Deliverable, place: Held["place"], refused?: Refused): Held {
  const { event } = entry;
  const itsClass = eventClass(event.type);
  return {
    entry,
    eventClass: itsClass,
    expiresAtMs: itsClass === "command" ? expiry(event.expirytime) : Number.POSITIVE_INFINITY,
    place,
    attempts: 0,
    unanswered: 0,
    firstSentAtMs: undefined,
    refused,
  };
}

// Only commands expire; a state is true until replaced. The codecs have checked the timestamp; an
// unreadable one never expires.
function expiry(expirytime: string | undefined): number {
  if (expirytime === undefined) return Number.POSITIVE_INFINITY;
  const atMs = Date.parse(expirytime);
  return Number.isNaN(atMs) ? Number.POSITIVE_INFINITY : atMs;
}
