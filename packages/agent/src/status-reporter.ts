import type { PublishTrace } from "@hawser/link";
import {
  checkDraft,
  HawserError,
  jsonOf,
  parseStatusData,
  statusEvent,
  subjectOf,
  withTraceContext,
  type EventDraft,
  type JsonValue,
} from "@hawser/protocol";
import { traced, type Runtime, type Timer } from "@hawser/runtime";
import type { Append, Store } from "@hawser/store";
import { PRINCIPAL } from "./principal-peer.js";
import { StatusSlot, type StatusProgress } from "./status-slot.js";
import { reporting } from "./tracing.js";

/** How soon what did not fit into the mailbox is tried again, in milliseconds. */
export const STATUS_RETRY_MS = 1_000;

/** Statuses in one write. */
const MAX_BATCH = 256;

export interface StatusReporterOptions {
  readonly agent: string;
  readonly runtime: Runtime;
  readonly store: Store;
  /** CloudEvents `source` of the statuses. */
  readonly source: string;
}

/** Writes statuses of one version of a resource, until the next `open` of that resource. */
export interface StatusWriter {
  /** @throws HawserError `invalid_event`, `event_too_large` */
  write(status: unknown): StatusProgress;
}

interface Entry {
  readonly slot: StatusSlot;
  writer: StatusWriter | undefined;
  /** The resource is not held: this goes once what was said of it is written. */
  isReleased: boolean;
}

/** What goes into one write. */
interface Taken {
  readonly slot: StatusSlot;
  readonly subject: string;
  readonly draft: EventDraft;
}

const DISCARDED: StatusProgress = { tried: Promise.resolve(), durable: Promise.resolve() };

/**
 * Moves statuses from handlers into the mailbox of the principal: the newest of each resource, in
 * batches, never the same twice. With a full mailbox one per resource waits here.
 */
export class StatusReporter {
  readonly #options: StatusReporterOptions;
  readonly #entries = new Map<string, Entry>();
  /** Subjects with a status waiting, in the order of their turn. */
  readonly #due = new Set<string>();
  /** One at a time: two would take the same slot at once. */
  #flushing: Promise<void> | undefined;
  #retry: Timer | undefined;
  #stopping = false;
  #stopped: HawserError | undefined;

  constructor(options: StatusReporterOptions) {
    this.#options = options;
  }

  /** Resources of which something is remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** A handler is about to get this version. */
  open(resource: { kind: string; name: string; uid: string; version: string }): StatusWriter {
    const subject = subjectOf(resource.kind, resource.name);
    const known = this.#entries.get(subject);
    const entry: Entry = known ?? { slot: new StatusSlot(), writer: undefined, isReleased: false };
    this.#entries.set(subject, entry);
    entry.isReleased = false;
    const writer: StatusWriter = {
      write: (status) =>
        entry.writer === writer ? this.#offer(subject, entry, resource, status) : DISCARDED,
    };
    entry.writer = writer;
    return writer;
  }

  /** The writer of the version that the handler got last, if any. */
  writerOf(subject: string): StatusWriter | undefined {
    return this.#entries.get(subject)?.writer;
  }

  /** The resource is not held: refused, or its delete failed. Its last status is still written. */
  release(subject: string): void {
    const entry = this.#entries.get(subject);
    if (entry === undefined) return;
    entry.isReleased = true;
    entry.writer = undefined;
    this.#forgetIfIdle(subject);
  }

  #forgetIfIdle(subject: string): void {
    const entry = this.#entries.get(subject);
    if (entry?.isReleased === true && entry.slot.isIdle) this.#entries.delete(subject);
  }

  /** The resource is gone: nothing of it is written once this resolves. */
  async close(subject: string): Promise<void> {
    const entry = this.#entries.get(subject);
    if (entry === undefined) return;
    this.#entries.delete(subject);
    this.#due.delete(subject);
    entry.writer = undefined;
    entry.slot.drop();
    await entry.slot.writing;
  }

  /** Tries once more to write what waits; what cannot be written is given up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#flushing;
    this.#flushing = this.#flush().catch((err: unknown) => {
      this.#options.runtime.logger.error(
        { err },
        "statuses are lost: they could not be written before the stop",
      );
    });
    await this.#flushing;
    this.#stopped = new HawserError("aborted", "the agent stopped before the status could be written");
    this.#retry?.cancel();
    this.#retry = undefined;
    for (const { slot } of this.#entries.values()) slot.abort(this.#stopped);
    this.#entries.clear();
    this.#due.clear();
  }

  #offer(
    subject: string,
    { slot }: Entry,
    { kind, name, uid, version }: { kind: string; name: string; uid: string; version: string },
    given: unknown,
  ): StatusProgress {
    if (this.#stopped !== undefined) throw this.#stopped;
    const status = jsonOf(given);
    const { runtime, source, agent } = this.#options;
    const id = runtime.random.uuid();
    const time = new Date(runtime.clock.wallTime()).toISOString();
    const draft = checkDraft(statusEvent({ id, source, time, kind, name, uid, status, observed: version }));
    const offer = (event: EventDraft): StatusProgress => {
      const progress = slot.offer({ uid, observed: version, status }, event);
      this.#due.add(subject);
      this.#wake();
      return progress;
    };
    if (!reporting.hasSubscribers) return offer(draft);
    let progress = DISCARDED;
    const trace = (): PublishTrace => ({ agent, event: draft, traceContext: undefined });
    traced(reporting, trace, (tracing) => {
      progress = offer(withTraceContext(draft, tracing?.traceContext));
      return progress.durable;
    }).catch(() => {}); // `durable` reports the error.
    return progress;
  }

  #wake(): void {
    if (!this.#stopping) this.#flushing ??= this.#flushSoon();
  }

  // Reports of one tick share one write.
  async #flushSoon(): Promise<void> {
    await new Promise<void>((resolve) => this.#options.runtime.timers.soon(resolve));
    try {
      await this.#flush();
    } catch (err) {
      this.#options.runtime.logger.error({ err }, "cannot write statuses; trying again");
      this.#retryLater();
    }
    this.#flushing = undefined;
    // A handler that waited for the last write may have reported again already.
    if (this.#due.size > 0 && this.#retry === undefined) this.#wake();
  }

  /** Writes batch after batch until nothing is due, or the mailbox refuses. */
  async #flush(): Promise<void> {
    while (this.#due.size > 0) {
      const batch = await this.#take();
      if (batch.length === 0) continue;
      if (await this.#write(batch)) continue;
      this.#retryLater();
      return;
    }
  }

  async #take(): Promise<readonly Taken[]> {
    const subjects = [...this.#due].slice(0, MAX_BATCH);
    for (const subject of subjects) {
      const slot = this.#entries.get(subject)?.slot;
      if (slot !== undefined && !slot.known) slot.know(await this.#sent(subject));
    }
    // Nothing can fail from here on, so what is taken is also written or given back.
    const taken: Taken[] = [];
    for (const subject of subjects) {
      this.#due.delete(subject);
      const slot = this.#entries.get(subject)?.slot;
      const draft = slot?.take();
      if (slot !== undefined && draft !== undefined) taken.push({ slot, subject, draft });
      else this.#forgetIfIdle(subject);
    }
    return taken;
  }

  /** True when all are on disk. */
  async #write(batch: readonly Taken[]): Promise<boolean> {
    const appends: Append[] = batch.map(({ draft }) => ({ peer: PRINCIPAL, event: draft }));
    const results = await this.#options.store.append(appends);
    let refused: HawserError | undefined;
    batch.forEach(({ slot, subject }, index) => {
      const result = results[index];
      if (result?.ok === true) {
        slot.written();
        this.#forgetIfIdle(subject);
        return;
      }
      slot.failed();
      refused = result?.error ?? new HawserError("internal", "the store gave no answer to an append");
      if (this.#entries.get(subject)?.slot === slot) this.#due.add(subject);
      else slot.drop();
    });
    if (refused === undefined) return true;
    this.#options.runtime.logger.warn(
      { code: refused.code, waiting: this.#due.size },
      `statuses wait: ${refused.message}`,
    );
    return false;
  }

  async #sent(subject: string): Promise<{ uid: string; observed: string; status: JsonValue } | undefined> {
    const sent = await this.#options.store.retained.get(PRINCIPAL, "sent", subject);
    return sent === undefined ? undefined : parseStatusData(sent.event);
  }

  #retryLater(): void {
    if (this.#retry !== undefined || this.#stopped !== undefined) return;
    this.#retry = this.#options.runtime.timers.after(STATUS_RETRY_MS, () => {
      this.#retry = undefined;
      if (this.#due.size > 0) this.#wake();
    });
  }
}
