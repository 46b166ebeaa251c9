import { type AgentEventHandler, type AllOptions, checkPageSize, throwIfGivenUp } from "@hawser/principal";
import { HawserError, leastJsonBytes } from "@hawser/protocol";
import { guarded, systemRuntime, type DisposableLifecycle, type Runtime, type Timer } from "@hawser/runtime";
import { appendOne, type Append, type Store } from "@hawser/store";
import { resolveEventLogLimits, type EventLogLimits } from "./log-limits.js";
import { LogIndex, type Extent, type IndexedEvent } from "./log-index.js";
import { LogMailbox } from "./log-mailbox.js";
import { fromEntry, reservedAttribute, toDraft, type RecordedEvent } from "./recorded-event.js";
import { StoreLife } from "../store-life.js";
import { readRecorded, type RecordedPage, type RecordedQuery } from "./read-recorded.js";

/** The mailbox of the log in its store. */
const MAILBOX = "log";
/** How often events that have become too old are looked for. */
const EXPIRY_INTERVAL_MS = 60_000;
/** Events that are let go in one turn for their age. */
const EXPIRED_AT_ONCE = 1_000;

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

/** @throws HawserError `invalid_config` for limits that are no whole numbers from 1 */
export function createEventLog(options: EventLogOptions): EventLog {
  return new StoredEventLog(options);
}

/** Whether the log knows all it holds. */
type Knowledge =
  | { readonly kind: "whole"; readonly reached: Promise<void> }
  | {
      readonly kind: "partial";
      readonly reached: Promise<void>;
      readonly reach: () => void;
      /** Why it cannot be known yet. */
      readonly error?: HawserError;
    };

function partial(): Knowledge {
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { kind: "partial", reached, reach };
}

interface Reader {
  position: number;
}

class StoredEventLog implements EventLog {
  readonly limits: EventLogLimits;
  readonly #store: Store;
  readonly #runtime: Runtime;
  readonly #mailbox: LogMailbox;
  readonly #life: StoreLife;
  readonly #index = new LogIndex();
  readonly #readers = new Set<Reader>();
  readonly #listeners = new Set<() => void>();
  /** On their way to the disk. */
  readonly #coming = new Map<string, { entries: number; bytes: number }>();
  #comingEntries = 0;
  #comingBytes = 0;
  #recorded = 0;
  #refused = 0;
  #letGo = 0;
  #expiry: Timer | undefined;
  #knowledge: Knowledge = partial();

  constructor({ store, limits, runtime = systemRuntime() }: EventLogOptions) {
    this.limits = resolveEventLogLimits(limits);
    this.#store = store;
    this.#runtime = runtime;
    this.#life = new StoreLife({
      name: "this event log has",
      store,
      begin: () => this.#begin(),
      end: () => this.#end(),
    });
    this.#mailbox = new LogMailbox({
      store,
      runtime,
      peer: MAILBOX,
      onEntry: (entry) => this.#add(fromEntry(entry)),
      onCaughtUp: () => this.#caughtUp(),
      onFailed: (error) => {
        if (this.#knowledge.kind !== "whole") this.#knowledge = { ...this.#knowledge, error };
      },
    });
  }

  get id(): string {
    return this.#store.id;
  }

  get stats(): EventLogStats {
    const { entries, bytes } = this.#index.extent;
    return {
      entries,
      bytes,
      newest: this.#index.newest,
      oldest: this.#index.oldest,
      missingThrough: this.#index.missingThrough,
      recorded: this.#recorded,
      refused: this.#refused,
      letGo: this.#letGo,
    };
  }

  start(): Promise<void> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async caughtUp(): Promise<void> {
    const { kind, reached } = this.#knowledge;
    if (kind === "partial") await reached;
  }

  readonly onEvent: AgentEventHandler = async ({ agent, event }) => {
    const reserved = reservedAttribute(event);
    if (reserved !== undefined) {
      const message = `the attribute ${reserved} is for the principal to set; send the event without it`;
      throw new HawserError("handler_rejected", message, aboutEvent(agent, event));
    }
    await this.#whole();
    const bytes = leastJsonBytes(event);
    this.#makeRoom(agent, bytes, event);
    this.#expect(agent, 1, bytes);
    try {
      await this.#append({
        peer: MAILBOX,
        event: toDraft({ agent, event, recordedAt: this.#runtime.clock.wallTime() }),
        // What a crash between this record and the ACK makes the agent send again, is recognized; another life of the agent begins with other ids.
        idempotencyKey: JSON.stringify([agent, event.resourceid, event.eventid, event.source, event.id]),
      });
    } finally {
      this.#expect(agent, -1, -bytes);
    }
  };

  async read(query: RecordedQuery): Promise<RecordedPage> {
    // Only what is looked for by its agent is looked up.
    if ((query.filter?.agents.length ?? 0) > 0) await this.#whole();
    return readRecorded(query, this.#index, this.#mailbox);
  }

  async *all({
    after = 0,
    filter,
    signal,
    pageSize,
  }: AllRecordedOptions = {}): AsyncGenerator<RecordedEvent, void, undefined> {
    const limit = checkPageSize(pageSize);
    const { newest } = this.#index;
    for (let from = after; from < newest; ) {
      throwIfGivenUp(signal);
      const { items, through } = await this.read(
        filter === undefined ? { after: from, limit } : { after: from, limit, filter },
      );
      for (const item of items) {
        if (item.position > newest) return;
        yield item;
        throwIfGivenUp(signal);
      }
      from = through;
    }
  }

  hold(position: number): LogHold {
    const reader: Reader = { position };
    this.#readers.add(reader);
    return {
      advance: (to) => {
        reader.position = Math.max(reader.position, to);
      },
      release: () => void this.#readers.delete(reader),
    };
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #begin(): Promise<void> {
    this.#index.expect((await this.#store.stats(MAILBOX))?.lastVersion ?? 0);
    await this.#mailbox.open();
    this.#watchAge();
  }

  async #end(): Promise<void> {
    this.#expiry?.cancel();
    this.#expiry = undefined;
    await this.#mailbox.close();
  }

  /** @throws HawserError why what is there cannot be known */
  async #whole(): Promise<void> {
    const knowledge = this.#knowledge;
    if (knowledge.kind === "whole") return;
    if (knowledge.error !== undefined) throw knowledge.error;
    await knowledge.reached;
  }

  #caughtUp(): void {
    const knowledge = this.#knowledge;
    if (knowledge.kind === "whole") return;
    this.#index.complete();
    this.#knowledge = { kind: "whole", reached: knowledge.reached };
    knowledge.reach();
  }

  async #append(append: Append): Promise<void> {
    const answer = await appendOne(this.#store, append);
    if (answer.ok) {
      if (!answer.duplicate) this.#recorded += 1;
    } else throw answer.error;
  }

  #add(recorded: RecordedEvent): void {
    const { position, agent, bytes, recordedAt } = recorded;
    if (!this.#index.add({ position, agent, bytes, recordedAt })) return;
    for (const listener of this.#listeners)
      guarded(listener, (err) => this.#runtime.logger.error({ err }, "a reader of the event log threw"));
  }

  /** What counts as held includes what is on its way. */
  #expect(agent: string, entries: number, bytes: number): void {
    this.#comingEntries += entries;
    this.#comingBytes += bytes;
    const coming = this.#coming.get(agent) ?? { entries: 0, bytes: 0 };
    coming.entries += entries;
    coming.bytes += bytes;
    if (coming.entries === 0) this.#coming.delete(agent);
    else this.#coming.set(agent, coming);
  }

  /** @throws HawserError `inbox_full` when there is none to be made */
  #makeRoom(agent: string, bytes: number, event: Parameters<AgentEventHandler>[0]["event"]): void {
    const { maxEntries, maxBytes, maxEntriesPerAgent, maxBytesPerAgent } = this.limits;
    const ofAgent = (): boolean => {
      const held = this.#index.extentOf(agent);
      const coming = this.#coming.get(agent) ?? { entries: 0, bytes: 0 };
      const isRoom = held.entries + coming.entries < maxEntriesPerAgent;
      return isRoom && held.bytes + coming.bytes + bytes <= maxBytesPerAgent;
    };
    const inAll = (): boolean => {
      const held = this.#index.extent;
      const isRoom = held.entries + this.#comingEntries < maxEntries;
      return isRoom && held.bytes + this.#comingBytes + bytes <= maxBytes;
    };
    while (!ofAgent()) if (!this.#letGoOf(this.#index.oldestOf(agent))) throw this.#full(event, agent, true);
    while (!inAll()) if (!this.#letGoOf(this.#index.oldest)) throw this.#full(event, agent, false);
  }

  #full(event: Parameters<AgentEventHandler>[0]["event"], agent: string, ofAgent: boolean): HawserError {
    this.#refused += 1;
    const { entries, bytes } = ofAgent ? this.#index.extentOf(agent) : this.#index.extent;
    const whose = ofAgent ? `of agent ${agent}` : "of all agents";
    const message = `the event log holds ${entries} events ${whose}, ${bytes} bytes, as many as it may, and a sink still waits for the oldest; see what keeps the sinks, or raise the limits of the log`;
    return new HawserError("inbox_full", message, aboutEvent(agent, event));
  }

  /** The highest position that no reader waits for. */
  get #free(): number {
    let free = Number.POSITIVE_INFINITY;
    for (const { position } of this.#readers) free = Math.min(free, position);
    return free;
  }

  /** @returns false when there is none, or a reader waits for it */
  #letGoOf(event: IndexedEvent | undefined): boolean {
    if (event === undefined || event.position > this.#free) return false;
    this.#index.delete(event);
    this.#mailbox.acknowledge(event.position);
    this.#letGo += 1;
    return true;
  }

  #watchAge(): void {
    this.#expiry = this.#runtime.timers.after(EXPIRY_INTERVAL_MS, () => {
      this.#letGoOfOld();
      this.#watchAge();
    });
  }

  #letGoOfOld(): void {
    const youngest = this.#runtime.clock.wallTime() - this.limits.maxAgeMs;
    for (let count = 0; count < EXPIRED_AT_ONCE; count += 1) {
      const { oldest } = this.#index;
      if (oldest === undefined || oldest.recordedAt > youngest || !this.#letGoOf(oldest)) return;
    }
  }
}

function aboutEvent(
  agent: string,
  { resourceid, eventid }: Parameters<AgentEventHandler>[0]["event"],
): { readonly agent: string; readonly resource_id: string; readonly event_id: string } {
  return { agent, resource_id: resourceid, event_id: eventid };
}
