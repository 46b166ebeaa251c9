import { HawserError, type EventKey, type HawserEvent, type Nack } from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import type { LinkObserver, SkipReason } from "./link-observer.js";

/** Where the answers of a session go. */
export interface ReplySink {
  ack(key: EventKey): void;
  nack(nack: Omit<Nack, "type">): void;
  /** Something behind the answers threw: the session is to end with it. */
  fail(error: HawserError): void;
}

/**
 * Answers the events of one peer and notifies the observer. An answer or an observer that throws
 * ends the session; it keeps back neither another answer nor the next event of a resource.
 */
export class EventAnswers {
  readonly #observer: LinkObserver | undefined;
  /** Absent between two sessions: the peer resends every event without an answer. */
  sink: ReplySink | undefined;

  constructor(observer: LinkObserver | undefined) {
    this.#observer = observer;
  }

  applied(event: HawserEvent): void {
    this.#ack(event);
    this.#guarded(() => this.#observer?.applied?.(event));
  }

  skipped(event: HawserEvent, why: SkipReason): void {
    this.#ack(event);
    this.#guarded(() => this.#observer?.skipped?.(event, why));
  }

  refused(event: HawserEvent, retryable: boolean, error: HawserError): void {
    const { resourceid, eventid } = event;
    const { code, message } = error;
    this.#guarded(() => this.sink?.nack({ resourceid, eventid, retryable, code, message }));
    this.#guarded(() => this.#observer?.refused?.(event, retryable, code, message));
  }

  /** An error behind a handler ends the session: the peer resends events without an answer. */
  broken(thrown: unknown): void {
    this.sink?.fail(HawserError.from(thrown));
  }

  #ack({ resourceid, eventid }: HawserEvent): void {
    this.#guarded(() => this.sink?.ack({ resourceid, eventid }));
  }

  #guarded(step: () => void): void {
    guarded(step, (thrown) => this.broken(thrown));
  }
}
