import type { AgentEventHandler, AllOptions } from "@hawser/principal";
import type { DisposableLifecycle, Runtime } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import type { Extent, IndexedEvent } from "./log-index.js";
import type { EventLogLimits } from "./log-limits.js";
import type { RecordedPage, RecordedQuery } from "./read-recorded.js";
import type { RecordedEvent } from "./recorded-event.js";

/** What an event log is made of. */
export interface EventLogOptions {
  /**
   * Where it lies: a store of its own, so that what agents report never takes the room, nor the names, of the mailboxes for them. The log starts it, and stops it last; one that was started
   * before, or that others use (sinks), stays open. `eventLogStoreLimits` are its limits.
   */
  readonly store: Store;
  /** @default DEFAULT_EVENT_LOG_LIMITS, each one by itself */
  readonly limits?: Partial<EventLogLimits>;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/** Which recorded events are looped over. */
export interface AllRecordedOptions extends AllOptions, Pick<RecordedQuery, "after" | "filter"> {}

/** A reader for whom events wait in the log: what is above its position is not let go. */
export interface LogHold {
  /** The reader needs nothing up to this position any more. Never goes back. */
  advance(position: number): void;
  /** The reader is gone. Idempotent. */
  release(): void;
}

/** What a log holds at a moment. */
export interface EventLogStats extends Extent {
  /** The highest position given; 0 for none. */
  readonly newest: number;
  /** The oldest event that is there. */
  readonly oldest: IndexedEvent | undefined;
  /** The highest position that is not there any more: whoever has read as far has missed nothing. 0 for none. */
  readonly missingThrough: number;
  /** Since the log was started. */
  readonly recorded: number;
  /** Refused because the log was full, since it was started. */
  readonly refused: number;
  /** Let go for their age, or to make room, since it was started. */
  readonly letGo: number;
}

/**
 * Durable, ordered and bounded: every event that agents sent and that is no status, in one series of positions over all agents.
 *
 * `start` comes before that of the principal, and `stop` after the principal has stopped.
 */
export interface EventLog extends DisposableLifecycle {
  /** @throws HawserError `invalid_state` where it has been started and not stopped; those of the start of its store */
  start(): Promise<void>;
  /** Which log it is: positions of another id say nothing here. Known after `start`. */
  readonly id: string;
  readonly limits: EventLogLimits;
  readonly stats: EventLogStats;
  /** Resolves once the log knows all it holds, which takes seconds where that is much. Until then events of agents wait, and `stats` counts what is known. */
  caughtUp(): Promise<void>;
  /** To be given to `createPrincipal`: resolves, so that the agent has its ACK, once the event is on disk. */
  readonly onEvent: AgentEventHandler;
  /**
   * Events above a position, in order. Fewer than `limit` do not mean that these are all: `hasMore` tells, and `through` is where to go on.
   *
   * @throws HawserError `store_unavailable`, `store_full` or `store_corrupt` where the disk cannot be read
   */
  read(query: RecordedQuery): Promise<RecordedPage>;
  /**
   * All that is recorded as the loop begins, in order, unless it is let go meanwhile: `for await (const { position, agent, event } of log.all())`. To go on from there, and be told of what is new,
   * `read` and `listen`.
   */
  all(options?: AllRecordedOptions): AsyncIterable<RecordedEvent>;
  /** Keeps what is above `position` until the hold is advanced or released. */
  hold(position: number): LogHold;
  /** Called whenever there is something new to read. Answers with what ends it. */
  listen(listener: () => void): () => void;
}
