import type { Runtime } from "@hawser/runtime";
import { appendOne, type Store } from "@hawser/store";
import type { EventLog } from "../event-log/event-log.js";
import { LogMailbox } from "../event-log/log-mailbox.js";
import { fromEntry, toDraft } from "../event-log/recorded-event.js";
import type { OpenEvent } from "./open-events.js";
import type { KeptSink } from "./sink-book.js";
import type { SinkRecords } from "./sink-place.js";
import { SinkRunner } from "./sink-runner.js";
import type { SinkTarget } from "./sink-target.js";
import type { SinkView } from "./sink-view.js";

/** Under which name the inbox of a sink has how far it is. */
const POSITION = "position";

/** The mailbox of a sink in the store of the log: its place is in the inbox, its dead letters are those of the mailbox. */
export const SINK_PEERS = "sink.";

export function sinkPeer({ name, uid }: Pick<KeptSink, "name" | "uid">): string {
  return `${SINK_PEERS}${name}.${uid}`;
}

export interface SinkParts {
  readonly store: Store;
  readonly log: EventLog;
  readonly runtime: Runtime;
  readonly kept: KeptSink;
  readonly target: SinkTarget;
  /** Where a file lies. */
  readonly path: string;
  readonly onGone: () => void;
}

/** One sink at work, or paused. */
export class Sink implements SinkRecords {
  readonly kept: KeptSink;
  readonly #parts: SinkParts;
  readonly #peer: string;
  readonly #mailbox: LogMailbox;
  /** The newest entry of its mailbox. */
  #newest = 0;
  #runner: SinkRunner | undefined;

  constructor(parts: SinkParts) {
    this.#parts = parts;
    this.kept = parts.kept;
    this.#peer = sinkPeer(parts.kept);
    this.#mailbox = new LogMailbox({
      store: parts.store,
      runtime: parts.runtime,
      peer: this.#peer,
      onEntry: ({ version }) => {
        this.#newest = version;
        this.#runner?.wake();
      },
    });
  }

  /** @param from where a new sink begins; absent: where it was */
  async start(from?: number): Promise<void> {
    const { log, runtime, kept, target, onGone } = this.#parts;
    await this.#mailbox.open();
    if (from !== undefined && from > 0) await this.save(from);
    const saved = this.#mailbox.applied.get(POSITION) ?? 0;
    this.#runner = new SinkRunner({
      name: kept.name,
      definition: kept.definition,
      target,
      log,
      records: this,
      position: Math.max(saved, from ?? 0),
      runtime,
      onGone,
    });
    if (!kept.definition.paused) this.#runner.start();
  }

  async stop(): Promise<void> {
    await this.#runner?.stop();
    this.#runner = undefined;
    await this.#mailbox.close();
  }

  save(position: number): Promise<void> {
    return this.#mailbox.record([{ resourceid: POSITION, version: position }]);
  }

  async deadLetter({ recorded, origin }: OpenEvent, message: string): Promise<void> {
    const version = origin.kind === "requeued" ? origin.version : await this.#append(toDraft(recorded));
    const at = this.#parts.runtime.clock.wallTime();
    await this.#mailbox.deadLetter(version, { code: "handler_rejected", message, at });
  }

  async #append(event: ReturnType<typeof toDraft>): Promise<number> {
    // With a key, so that one that was written and could not be moved is not written twice.
    const key = JSON.stringify([event["hawserposition"]]);
    const answer = await appendOne(this.#parts.store, { peer: this.#peer, event, idempotencyKey: key });
    if (answer.ok) return answer.version;
    throw answer.error;
  }

  async requeued(after: number, limit: number): ReturnType<SinkRecords["requeued"]> {
    if (this.#newest <= after) return [];
    const entries = await this.#mailbox.read(after, limit);
    // What was there has become a dead letter, again perhaps.
    if (entries.length === 0) this.#newest = after;
    return entries.map((entry) => ({ version: entry.version, recorded: fromEntry(entry) }));
  }

  settled(version: number): void {
    this.#mailbox.acknowledge(version);
  }

  async view(): Promise<SinkView> {
    const { store, log, kept, path, runtime } = this.#parts;
    const { name, definition } = kept;
    const { target, filter, giveUpAfterMs, paused } = definition;
    const stats = await store.stats(this.#peer);
    const progress = this.#runner?.progress;
    const position = progress?.position ?? 0;
    const { newest, oldest } = log.stats;
    const lag = Math.max(0, newest - position);
    const waiting = oldest !== undefined && oldest.position > position ? oldest.recordedAt : undefined;
    const oldestAt = lag === 0 ? undefined : (progress?.oldestAt ?? waiting);
    return {
      name,
      target: target.kind === "file" ? { ...target, path } : webhookView(target),
      filter,
      giveUpAfterMs,
      state: paused ? "paused" : progress?.failure === undefined ? "delivering" : "failing",
      position,
      lag,
      oldestAt,
      lagMs: oldestAt === undefined ? 0 : Math.max(0, runtime.clock.wallTime() - oldestAt),
      delivered: progress?.delivered ?? 0,
      failures: progress?.failures ?? 0,
      deadLetters: stats?.deadLetters ?? 0,
      lastDeliveredAt: progress?.lastDeliveredAt,
      failure: progress?.failure,
    };
  }
}

function webhookView(
  target: Extract<KeptSink["definition"]["target"], { kind: "webhook" }>,
): SinkView["target"] {
  const { secret, headers, ...rest } = target;
  return { ...rest, isSigned: secret !== undefined, headers: Object.keys(headers) };
}
