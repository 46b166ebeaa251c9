import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { allOf, type AllOptions, type Page, type PageRequest } from "@hawser/principal";
import { HawserError, parseVersion } from "@hawser/protocol";
import { KeyedQueue, systemRuntime, type Runtime } from "@hawser/runtime";
import type { DeadLetter, MailboxStats } from "@hawser/store";
import { fromEntry } from "../event-log/recorded-event.js";
import { StoreLife } from "../store-life.js";
import { createFileTarget } from "./file-target.js";
import {
  checkSinkName,
  parseSinkDefinition,
  type SinkDefinition,
  type SinkRequest,
} from "./sink-definition.js";
import { SinkBook, type KeptSink } from "./sink-book.js";
import type { SinkTarget } from "./sink-target.js";
import type { SinkDeadLetterView, SinkTest, SinkView } from "./sink-view.js";
import { Sink, SINK_PEERS, sinkPeer } from "./sink.js";
import { MAX_SINKS, type PutSinkOptions, type Sinks, type SinksOptions } from "./sinks.js";
import { testEvent } from "./sink-event.js";
import { createWebhookTarget } from "./webhook-target.js";

/** The sinks of a log. What they are is kept in its store. */
export function createSinks(options: SinksOptions): Sinks {
  return new StoredSinks(options);
}

class StoredSinks implements Sinks {
  readonly #options: SinksOptions;
  readonly #runtime: Runtime;
  readonly #book: SinkBook;
  readonly #sinks = new Map<string, Sink>();
  /** Changes of one sink come one after the other. */
  readonly #changes = new KeyedQueue();
  readonly #life: StoreLife;
  /** Changes are taken. */
  #isOpen = false;

  constructor(options: SinksOptions) {
    this.#options = options;
    this.#runtime = options.runtime ?? systemRuntime();
    this.#book = new SinkBook(options.store, this.#runtime);
    this.#life = new StoreLife({
      name: "these sinks have",
      store: options.store,
      begin: () => this.#beginAll(),
      end: () => this.#endAll(),
    });
  }

  start(): Promise<void> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    this.#isOpen = false;
    return this.#life.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async list(): Promise<readonly SinkView[]> {
    const sinks = [...this.#sinks].sort(([one], [other]) => (one < other ? -1 : 1));
    return Promise.all(sinks.map(([, sink]) => sink.view()));
  }

  async get(name: string): Promise<SinkView | undefined> {
    return this.#sinks.get(name)?.view();
  }

  put(
    name: string,
    request: SinkRequest,
    { from = "now", mustBeNew = false }: PutSinkOptions = {},
  ): ReturnType<Sinks["put"]> {
    return this.#changing(name, async () => {
      checkSinkName(name);
      const definition = parseSinkDefinition(request);
      const known = this.#sinks.get(name);
      if (known === undefined) return { sink: await this.#create(name, definition, from), created: true };
      if (mustBeNew)
        throw new HawserError(
          "conflict",
          `there is a sink ${name} already; replace it, or take another name`,
        );
      return { sink: await this.#change(known, definition), created: false };
    });
  }

  setPaused(name: string, paused: boolean): Promise<SinkView> {
    return this.#changing(name, async () => {
      const sink = this.#named(name);
      const { definition } = sink.kept;
      return definition.paused === paused ? sink.view() : this.#change(sink, { ...definition, paused });
    });
  }

  remove(name: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return this.#changing(name, async () => {
      const sink = this.#named(name);
      if (!force) await assertDone(sink);
      await this.#book.remove(sink.kept);
      await sink.stop();
      this.#sinks.delete(name);
      await this.#options.store.remove(sinkPeer(sink.kept));
      this.#runtime.logger.info({ sink: name }, "sink removed");
    });
  }

  async test(name: string): Promise<SinkTest> {
    const { definition } = this.#named(name).kept;
    const { clock } = this.#runtime;
    const begun = clock.now();
    const target = this.#target(`${name}.test`, definition);
    try {
      const event = testEvent(this.#runtime);
      const answer = await target.deliver([event], new AbortController().signal);
      const message = answer.kind === "delivered" ? undefined : answer.message;
      return { ok: answer.kind === "delivered", message, durationMs: Math.round(clock.now() - begun) };
    } finally {
      await target.close();
      if (definition.target.kind === "file") await rm(this.#path(`${name}.test`), { force: true });
    }
  }

  async deadLetters(name: string, { after, limit }: Page): Promise<readonly SinkDeadLetterView[]> {
    const from = after === undefined ? {} : { after: parseVersion(after) };
    const letters = await this.#options.store.deadLetters(this.#peerOf(name), { ...from, limit });
    return letters.map(deadLetterView);
  }

  async *allDeadLetters(
    name: string,
    options?: AllOptions,
  ): AsyncGenerator<SinkDeadLetterView, void, undefined> {
    const newest = (await this.#options.store.stats(this.#peerOf(name)))?.lastVersion ?? 0;
    const paged = {
      read: (page: Page) => this.deadLetters(name, page),
      keyOf: ({ id }: SinkDeadLetterView) => id,
    };
    for await (const letter of allOf(paged, options)) {
      if (parseVersion(letter.id) > newest) return;
      yield letter;
    }
  }

  async requeue(name: string, id: string): Promise<void> {
    const answer = await this.#options.store.requeue(this.#peerOf(name), parseVersion(id));
    if (!answer.ok) throw answer.error;
  }

  async discard(name: string, id: string): Promise<void> {
    if (await this.#options.store.discard(this.#peerOf(name), parseVersion(id))) return;
    throw new HawserError("not_found", `the sink ${name} has no dead letter ${id}`);
  }

  async #beginAll(): Promise<void> {
    await this.#keepingAll(async () => {
      const all = await this.#book.open();
      await this.#removeLeftovers(new Set(all.map(sinkPeer)));
      for (const kept of all) await this.#begin(kept);
    });
    this.#isOpen = true;
  }

  async #endAll(): Promise<void> {
    this.#isOpen = false;
    // A change stops a sink and begins another in its place: that one must not outlive this.
    await this.#changes.idle();
    await Promise.all([...this.#sinks.values()].map((sink) => sink.stop()));
    this.#sinks.clear();
    await this.#book.close();
  }

  #changing<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#changes.run(name, async () => {
      if (this.#isOpen) return work();
      const message = `the sink ${JSON.stringify(name.slice(0, 80))} was not changed: the sinks are not started, or are being stopped`;
      throw new HawserError("store_unavailable", message);
    });
  }

  async #create(name: string, definition: SinkDefinition, from: "now" | "oldest"): Promise<SinkView> {
    if (this.#sinks.size >= MAX_SINKS)
      throw new HawserError(
        "overloaded",
        `there are ${MAX_SINKS} sinks, as many as there may be; remove one`,
      );
    const kept = { name, uid: this.#runtime.random.uuid(), definition };
    // Its place is on disk before it is: otherwise a crash in between would make it begin elsewhere.
    try {
      const sink = await this.#begin(kept, from === "now" ? this.#options.log.stats.newest : 0);
      await this.#book.put(kept);
      this.#runtime.logger.info({ sink: name, kind: definition.target.kind }, "sink added");
      return await sink.view();
    } catch (thrown) {
      await this.#sinks.get(name)?.stop();
      this.#sinks.delete(name);
      throw thrown;
    }
  }

  async #change(sink: Sink, definition: SinkDefinition): Promise<SinkView> {
    const kept = { ...sink.kept, definition };
    await this.#book.put(kept);
    return this.#keepingAll(async () => {
      await sink.stop();
      return (await this.#begin(kept)).view();
    });
  }

  /** While a sink is away for a moment, nothing that it waits for is let go. */
  async #keepingAll<T>(work: () => Promise<T>): Promise<T> {
    const hold = this.#options.log.hold(0);
    // Where it fails, a sink may be away for longer: everything is kept until the next start, rather than let go unseen.
    const result = await work();
    hold.release();
    return result;
  }

  async #begin(kept: KeptSink, from?: number): Promise<Sink> {
    const { store, log } = this.#options;
    const { name, definition } = kept;
    const sink = new Sink({
      store,
      log,
      runtime: this.#runtime,
      kept,
      target: this.#target(name, definition),
      path: this.#path(name),
      onGone: () => this.#gone(name),
    });
    this.#sinks.set(name, sink);
    await sink.start(from);
    return sink;
  }

  #target(name: string, { target }: SinkDefinition): SinkTarget {
    const { allowLocal = false } = this.#options;
    return target.kind === "file"
      ? createFileTarget(this.#path(name), target)
      : createWebhookTarget({ name, settings: target, allowLocal, runtime: this.#runtime });
  }

  #path(name: string): string {
    return resolve(this.#options.directory, `${name}.jsonl`);
  }

  #named(name: string): Sink {
    const sink = this.#sinks.get(name);
    if (sink !== undefined) return sink;
    throw new HawserError("not_found", `there is no sink ${JSON.stringify(name.slice(0, 80))}`);
  }

  #peerOf(name: string): string {
    return sinkPeer(this.#named(name).kept);
  }

  #gone(name: string): void {
    const { logger } = this.#runtime;
    logger.warn({ sink: name }, "the receiver wants no more events: the sink is paused");
    this.setPaused(name, true).catch((err: unknown) =>
      logger.error({ err, sink: name }, "a sink cannot be paused"),
    );
  }

  /** Of sinks that were being made, or removed, as this process ended. */
  async #removeLeftovers(wanted: ReadonlySet<string>): Promise<void> {
    const { store } = this.#options;
    const paged = {
      read: ({ after, limit }: PageRequest<string>) =>
        store.peers({ prefix: SINK_PEERS, limit, ...(after === undefined ? {} : { after }) }),
      keyOf: ({ peer }: MailboxStats) => peer,
    };
    for await (const { peer } of allOf(paged)) if (!wanted.has(peer)) await store.remove(peer);
  }
}

async function assertDone(sink: Sink): Promise<void> {
  const { name, lag, deadLetters } = await sink.view();
  if (lag === 0 && deadLetters === 0) return;
  const what = `${lag} events of the log to go through and ${deadLetters} dead letters`;
  throw new HawserError("conflict", `the sink ${name} has ${what}; remove it by force to give them up`);
}

function deadLetterView(letter: DeadLetter): SinkDeadLetterView {
  const { position, agent, event } = fromEntry(letter);
  const { resourceid, eventid, type, source } = event;
  const { message, at } = letter.reason;
  return { id: String(letter.version), position, agent, resourceid, eventid, type, source, message, at };
}
