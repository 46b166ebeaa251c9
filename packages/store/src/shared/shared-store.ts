import { HawserError } from "@hawser/protocol";
import { Latest, type Runtime } from "@hawser/runtime";
import type {
  Append,
  Appended,
  Claim,
  DeadLetter,
  LeaseCallbacks,
  MailboxLease,
} from "../contract/mailbox.js";
import { PeerWatch } from "../mailbox/peer-watch.js";
import type { Page, RetainedStates } from "../contract/retained.js";
import type { Standing } from "../contract/rollback.js";
import type { Purged, PurgeOptions, Removal, RemoveOptions, Store, StoreUse } from "../contract/store.js";
import { StoreLife } from "../store-life.js";
import type {
  Holder,
  Member,
  PeerQuery,
  PeerView,
  StoreStatus,
  StoreTotals,
  StoreWatcher,
} from "../contract/views.js";
import type { Tombstone } from "../contract/tombstone.js";
import { ClientLease } from "./client-lease.js";
import { answerOf, Conversation, unreachable, type Manners } from "./conversation.js";
import { Hearing } from "./hearing.js";
import type { Answer, Link } from "./link.js";
import { Life } from "./life.js";
import type { PurgeRequest } from "./server-lease.js";
import type { SharedServer } from "./server.js";

export interface SharedStoreParts {
  readonly name: string;
  readonly server: SharedServer;
  readonly link: Link;
  readonly runtime: Runtime;
  readonly manners: Manners;
}

/** A store whose contents are somewhere else, and that others use as well. */
export class SharedStore implements Store {
  readonly retained: RetainedStates;
  readonly #parts: SharedStoreParts;
  readonly #lifecycle: StoreLife;
  readonly #status = new Latest<StoreStatus>("unreachable");
  readonly #watch: PeerWatch;
  readonly #leases = new Set<ClientLease>();
  #watchers = 0;
  #conversation: Conversation | undefined;
  #id = "";

  constructor(parts: SharedStoreParts) {
    this.#parts = parts;
    const { server, runtime } = parts;
    this.#watch = new PeerWatch(runtime.timers, runtime.logger);
    this.#lifecycle = new StoreLife({ open: () => this.#open(), close: () => this.#close() });
    this.retained = {
      get: (...about) => this.#want(() => server.store.retained.get(...about)),
      list: (...about) => this.#want(() => server.store.retained.list(...about)),
    };
  }

  get id(): string {
    return this.#id;
  }

  start(): Promise<void> {
    return this.#lifecycle.start();
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  use(): Promise<StoreUse> {
    return this.#lifecycle.use();
  }

  async append(batch: readonly Append[]): Promise<readonly Appended[]> {
    const answer = await this.#ask((server) => server.store.append(batch));
    return answer.kind === "value" ? answer.value : batch.map(() => notAppended(answer));
  }

  async open(peer: string, holder: Holder, claim: Claim, on: LeaseCallbacks): Promise<MailboxLease> {
    const { server, runtime } = this.#parts;
    const conversation = this.#present();
    let lease: ClientLease | undefined;
    const hearing = new Hearing({
      on,
      ended: () => lease !== undefined && this.#leases.delete(lease),
      failed: (err) =>
        runtime.logger.error({ agent: peer, err }, "the holder of a mailbox threw from a callback"),
    });
    const remote = server.lease(peer, conversation.life, hearing);
    const request = { peer, holder, claim, lease: remote };
    const answer = await conversation.ask(() => server.open(conversation.life, request));
    // It may have been claimed all the same, and nobody here would hold it.
    if (answer.kind === "unanswered") conversation.notes.add(() => void remote.close());
    const granted = answerOf(answer);
    hearing.granted(granted.standing.own.version);
    lease = new ClientLease({ peer, granted, remote, hearing, conversation });
    this.#leases.add(lease);
    // One turn later: by then the caller has it.
    runtime.timers.soon(() => hearing.opened());
    return lease;
  }

  standing(peer: string): Promise<Standing | undefined> {
    return this.#want((server) => server.store.standing(peer));
  }

  remove(peer: string, options?: RemoveOptions): Promise<Removal> {
    return this.#want((server) => server.store.remove(peer, options));
  }

  tombstone(peer: string): Promise<Tombstone | undefined> {
    return this.#want((server) => server.store.tombstone(peer));
  }

  tombstones(page: Page): Promise<readonly Tombstone[]> {
    return this.#want((server) => server.store.tombstones(page));
  }

  readmit(peer: string): Promise<boolean> {
    return this.#want((server) => server.store.readmit(peer));
  }

  peers(query: PeerQuery): Promise<readonly PeerView[]> {
    return this.#want((server) => server.store.peers(query));
  }

  stats(peer: string): Promise<PeerView | undefined> {
    return this.#want((server) => server.store.stats(peer));
  }

  totals(): Promise<StoreTotals> {
    return this.#want((server) => server.store.totals());
  }

  members(): Promise<readonly Member[]> {
    return this.#want(async (server, { life }) => server.members.list(life));
  }

  watch(on: StoreWatcher): () => void {
    const end = this.#watch.watch(on);
    this.#watchers += 1;
    this.#noteWatching();
    let isWatching = true;
    return () => {
      if (!isWatching) return;
      isWatching = false;
      end();
      this.#watchers -= 1;
      this.#noteWatching();
    };
  }

  status({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<StoreStatus> {
    return this.#status.follow(signal);
  }

  deadLetters(
    peer: string,
    page: { readonly after?: number; readonly limit: number },
  ): Promise<readonly DeadLetter[]> {
    return this.#want((server) => server.store.deadLetters(peer, page));
  }

  async requeue(peer: string, version: number): Promise<Appended> {
    const answer = await this.#ask((server) => server.store.requeue(peer, version));
    return answer.kind === "value" ? answer.value : notAppended(answer);
  }

  discard(peer: string, version: number): Promise<boolean> {
    return this.#want((server) => server.store.discard(peer, version));
  }

  async purge(peer: string, options: PurgeOptions = {}): Promise<Purged> {
    const { life } = this.#present();
    const request: PurgeRequest = { life, inFlight: 0 };
    const purged = await this.#want((server) => server.purge(peer, options, request));
    return { ...purged, inFlight: purged.inFlight + request.inFlight };
  }

  /** The client is there no more, and says nothing to anybody. */
  kill(): void {
    for (const lease of this.#leases) lease.hearing.close();
    this.#leases.clear();
    this.#conversation?.end();
    this.#watch.stop();
  }

  /** The way to the server is open again. */
  healed(): void {
    this.#conversation?.sweepNow();
  }

  async #open(): Promise<void> {
    const { name, server, link, runtime, manners } = this.#parts;
    const life = new Life(name, link, {
      fenced: () => this.#fenced(life),
      changed: (peer) => this.#watch.changed(peer),
    });
    const conversation = new Conversation({
      server,
      link,
      life,
      timers: runtime.timers,
      manners,
      sweep: () => this.#sweep(),
      reached: (isReached) => this.#reached(isReached),
    });
    life.isWatching = this.#watchers > 0;
    this.#id = await conversation.begin();
    this.#conversation = conversation;
    this.#status.set("ready");
  }

  async #close(): Promise<void> {
    const closing = this.#conversation?.close();
    await closing;
    for (const lease of this.#leases) lease.hearing.close();
    this.#leases.clear();
    this.#watch.stop();
    this.#conversation = undefined;
    this.#status.set("unreachable");
  }

  async #sweep(): Promise<void> {
    const leases = [...this.#leases];
    const remotes = leases.map(({ remote }) => remote);
    const answer = await this.#ask((server) => server.sweep(remotes));
    if (answer.kind !== "value") return;
    for (const [index, swept] of answer.value.entries()) leases[index]?.hearing.swept(swept);
  }

  #reached(isReached: boolean): void {
    if (!isReached) this.#loseAll("unreachable");
    if (this.#status.value !== "fenced") this.#status.set(isReached ? "ready" : "unreachable");
  }

  #fenced(life: Life): void {
    if (this.#conversation?.life !== life || this.#status.value === "fenced") return;
    this.#loseAll("taken");
    this.#status.set("fenced");
  }

  #loseAll(why: "unreachable" | "taken"): void {
    for (const lease of this.#leases) {
      lease.hearing.lost(why);
      lease.giveUp();
    }
  }

  #noteWatching(): void {
    const conversation = this.#conversation;
    const isWatching = this.#watchers > 0;
    conversation?.notes.add(() => {
      conversation.life.isWatching = isWatching;
    });
  }

  /** @throws HawserError `store_unavailable` where the store is closed */
  #present(): Conversation {
    if (this.#conversation !== undefined) return this.#conversation;
    throw new HawserError("store_unavailable", "the store is closed; start it first");
  }

  async #ask<T>(run: (server: SharedServer, conversation: Conversation) => Promise<T>): Promise<Answer<T>> {
    const conversation = this.#conversation;
    if (conversation === undefined)
      return {
        kind: "refused",
        thrown: new HawserError("store_unavailable", "the store is closed; start it first"),
      };
    return conversation.ask(() => run(this.#parts.server, conversation));
  }

  async #want<T>(run: (server: SharedServer, conversation: Conversation) => Promise<T>): Promise<T> {
    return answerOf(await this.#ask(run));
  }
}

function notAppended(answer: Exclude<Answer<unknown>, { kind: "value" }>): Appended {
  if (answer.kind === "refused")
    return { ok: false, reason: "unavailable", error: HawserError.from(answer.thrown, "store_unavailable") };
  const reason = answer.delivered ? "unknown" : "unavailable";
  return { ok: false, reason, error: unreachable(answer.delivered) };
}
