import { HawserError, type EventKey, type HawserEvent, type Nack } from "@hawser/protocol";
import type { LinkObserver, SkipReason } from "./link-observer.js";

/** Where answers go while a session is there. */
export interface ReplySink {
  ack(key: EventKey): void;
  nack(nack: Omit<Nack, "type">): void;
  /** Something behind the answers threw: the session is to end with it. */
  fail(error: HawserError): void;
}

/**
 * What the events of one peer are answered with, and who is told of it. An answer or an observer that throws ends the session, and keeps
 * neither another answer nor the next event of a resource back.
 */
export class EventAnswers {
  readonly #observer: LinkObserver | undefined;
  /** Absent between two sessions: what has no answer by then is sent again. */
  sink: ReplySink | undefined;

  constructor(observer: LinkObserver | undefined) {
    this.#observer = observer;
  }

  applied(event: HawserEvent): void {
    this.#ack(event);
    try {
      this.#observer?.applied?.(event);
    } catch (thrown) {
      this.broken(thrown);
    }
  }

  skipped(event: HawserEvent, why: SkipReason): void {
    this.#ack(event);
    try {
      this.#observer?.skipped?.(event, why);
    } catch (thrown) {
      this.broken(thrown);
    }
  }

  refused(event: HawserEvent, retryable: boolean, error: HawserError): void {
    const { resourceid, eventid } = event;
    try {
      this.sink?.nack({ resourceid, eventid, retryable, code: error.code, message: error.message });
    } catch (thrown) {
      this.broken(thrown);
    }
    try {
      this.#observer?.refused?.(event, retryable, error.code, error.message);
    } catch (thrown) {
      this.broken(thrown);
    }
  }

  /** What throws behind a handler ends the session that is there now: its peer sends again what has no answer. */
  broken(thrown: unknown): void {
    this.sink?.fail(HawserError.from(thrown));
  }

  #ack({ resourceid, eventid }: HawserEvent): void {
    try {
      this.sink?.ack({ resourceid, eventid });
    } catch (thrown) {
      this.broken(thrown);
    }
  }
}
