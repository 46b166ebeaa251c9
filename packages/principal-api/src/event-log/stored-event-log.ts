import { type AgentEventHandler, checkPageSize, throwIfGivenUp } from "@hawser/principal";
import { HawserError, leastJsonBytes, type HawserEvent } from "@hawser/protocol";
import { guarded, systemRuntime, type Runtime, type Timer } from "@hawser/runtime";
import { appendOne, type Store } from "@hawser/store";
import { resolveEventLogLimits, type EventLogLimits } from "./log-limits.js";
import type { AllRecordedOptions, EventLog, EventLogOptions, EventLogStats, LogHold } from "./event-log.js";
import { LogIndex, type IndexedEvent } from "./log-index.js";
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

class StoredEventLog implements EventLog {
  readonly limits: EventLogLimits;
  readonly #store: Store;
  readonly #runtime: Runtime;
  readonly #mailbox: LogMailbox;
  readonly #life: StoreLife;
  readonly #index = new LogIndex();
  readonly #readers = new Set<{ readonly position: number }>();
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
      const answer = await appendOne(this.#store, {
        peer: MAILBOX,
        event: toDraft({ agent, event, recordedAt: this.#runtime.clock.wallTime() }),
        // What a crash between this record and the ACK makes the agent send again, is recognized; another life of the agent begins with other ids.
        idempotencyKey: JSON.stringify([agent, event.resourceid, event.eventid, event.source, event.id]),
      });
      if (!answer.ok) throw answer.error;
      if (!answer.duplicate) this.#recorded += 1;
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
    const reader = { position };
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
  #makeRoom(agent: string, bytes: number, event: HawserEvent): void {
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

  #full(event: HawserEvent, agent: string, ofAgent: boolean): HawserError {
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
  { resourceid, eventid }: HawserEvent,
): { readonly agent: string; readonly resource_id: string; readonly event_id: string } {
  return { agent, resource_id: resourceid, event_id: eventid };
}
