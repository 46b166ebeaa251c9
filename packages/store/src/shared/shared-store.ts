import { HawserError } from "@hawser/protocol";
import { Latest, type Runtime } from "@hawser/runtime";
import type { Append, Appended, Claim, LeaseCallbacks, MailboxLease } from "../contract/mailbox.js";
import type { RetainedStates } from "../contract/retained.js";
import type { Purged, PurgeOptions, Store } from "../contract/store.js";
import type { Holder, StoreStatus, StoreWatcher } from "../contract/views.js";
import { PeerWatch } from "../mailbox/peer-watch.js";
import { StoreLife } from "../store-life.js";
import { clientLease, Hearing, type ClientLease } from "./client-lease.js";
import { answerOf, closed, Conversation, unreachable, type SharedClientTiming } from "./conversation.js";
import type { Answer, Link } from "./network.js";
import { ClientRun, type PurgeRequest } from "./server-lease.js";
import type { SharedServer } from "./server.js";

export interface SharedStoreParts {
  readonly name: string;
  readonly server: SharedServer;
  readonly link: Link;
  readonly runtime: Runtime;
  readonly timing: SharedClientTiming;
}

/** One client of a shared store: the contents are at the server. */
export class SharedStore implements Store {
  readonly #parts: SharedStoreParts;
  readonly #life = new StoreLife({ open: () => this.#open(), close: () => this.#close() });
  readonly #status = new Latest<StoreStatus>("unreachable");
  readonly #watch: PeerWatch;
  readonly #leases = new Set<ClientLease>();
  #watchers = 0;
  #conversation: Conversation | undefined;
  #id = "";

  constructor(parts: SharedStoreParts) {
    this.#parts = parts;
    this.#watch = new PeerWatch(parts.runtime.timers, parts.runtime.logger);
  }

  readonly retained: RetainedStates = {
    get: (...about) => this.#call((store) => store.retained.get(...about)),
    list: (...about) => this.#call((store) => store.retained.list(...about)),
  };
  readonly standing: Store["standing"] = (...about) => this.#call((store) => store.standing(...about));
  readonly remove: Store["remove"] = (...about) => this.#call((store) => store.remove(...about));
  readonly tombstone: Store["tombstone"] = (...about) => this.#call((store) => store.tombstone(...about));
  readonly tombstones: Store["tombstones"] = (...about) => this.#call((store) => store.tombstones(...about));
  readonly readmit: Store["readmit"] = (...about) => this.#call((store) => store.readmit(...about));
  readonly peers: Store["peers"] = (...about) => this.#call((store) => store.peers(...about));
  readonly stats: Store["stats"] = (...about) => this.#call((store) => store.stats(...about));
  readonly totals: Store["totals"] = () => this.#call((store) => store.totals());
  readonly discard: Store["discard"] = (...about) => this.#call((store) => store.discard(...about));
  readonly deadLetters: Store["deadLetters"] = (...about) =>
    this.#call((store) => store.deadLetters(...about));
  readonly members: Store["members"] = () => this.#want(async (server, { run }) => server.members(run));
  readonly status: Store["status"] = ({ signal } = {}) => this.#status.follow(signal);
  readonly start: Store["start"] = () => this.#life.start();
  readonly stop: Store["stop"] = () => this.#life.stop();
  readonly use: Store["use"] = () => this.#life.use();
  readonly [Symbol.asyncDispose] = this.stop;

  get id(): string {
    return this.#id;
  }

  async append(batch: readonly Append[]): Promise<readonly Appended[]> {
    const answer = await this.#ask((server) => server.store.append(batch));
    return answer.kind === "value" ? answer.value : batch.map(() => notAppended(answer));
  }

  async requeue(peer: string, version: number): Promise<Appended> {
    const answer = await this.#ask((server) => server.store.requeue(peer, version));
    return answer.kind === "value" ? answer.value : notAppended(answer);
  }

  async open(peer: string, holder: Holder, claim: Claim, on: LeaseCallbacks): Promise<MailboxLease> {
    const { server, runtime } = this.#parts;
    const conversation = this.#present();
    const { run } = conversation;
    let lease: ClientLease | undefined;
    const hearing = new Hearing({
      on,
      ended: () => lease !== undefined && this.#leases.delete(lease),
      failed: (err) =>
        runtime.logger.error({ agent: peer, err }, "the holder of a mailbox threw from a callback"),
    });
    const remote = server.lease(peer, run, hearing);
    const answer = await conversation.ask(() => server.open(run, { peer, holder, claim, lease: remote }));
    // It may have been claimed nevertheless, and nobody here would hold it.
    if (answer.kind === "unanswered") conversation.note(() => void remote.abandon());
    const granted = answerOf(answer);
    hearing.granted(granted.standing.own.version);
    lease = clientLease({ peer, granted, remote, hearing, conversation });
    this.#supersede(lease);
    this.#leases.add(lease);
    // One turn later: by then the caller has it.
    runtime.timers.soon(() => hearing.opened());
    return lease;
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

  async purge(peer: string, options: PurgeOptions = {}): Promise<Purged> {
    const request: PurgeRequest = { run: this.#present().run, inFlight: 0 };
    const purged = await this.#want((server) => server.purge(peer, options, request));
    return { ...purged, inFlight: purged.inFlight + request.inFlight };
  }

  /** The process is gone: it says nothing to anybody. */
  kill(): void {
    this.#closeLeases();
    this.#conversation?.end();
    this.#watch.stop();
  }

  /** The way to the server is open again. */
  healed(): void {
    this.#conversation?.sweepNow();
  }

  async #open(): Promise<void> {
    const { name, server, link, runtime, timing } = this.#parts;
    const run = new ClientRun({
      name,
      link,
      fenced: () => this.#fenced(run),
      changed: (peer) => this.#watch.changed(peer),
    });
    const conversation = new Conversation({
      server,
      run,
      timers: runtime.timers,
      timing,
      sweep: () => this.#sweep(),
      reached: (isReached) => this.#reached(isReached),
    });
    run.isWatching = this.#watchers > 0;
    this.#id = await conversation.begin();
    this.#conversation = conversation;
    this.#status.set("ready");
  }

  async #close(): Promise<void> {
    await this.#conversation?.close();
    this.#closeLeases();
    this.#watch.stop();
    this.#conversation = undefined;
    this.#status.set("unreachable");
  }

  #closeLeases(): void {
    for (const lease of this.#leases) lease.hearing.close();
    this.#leases.clear();
  }

  async #sweep(): Promise<void> {
    const leases = [...this.#leases];
    const remotes = leases.map(({ remote }) => remote);
    const answer = await this.#ask((server) => server.sweep(remotes));
    if (answer.kind !== "value") return;
    for (const [index, swept] of answer.value.entries()) leases[index]?.hearing.swept(swept);
  }

  /**
   * Ends the earlier leases of this mailbox. The notification of the server may be lost, and the
   * earlier session stops before the later one begins.
   */
  #supersede({ remote: { peer }, epoch }: ClientLease): void {
    for (const { remote, hearing, epoch: earlier } of this.#leases)
      if (remote.peer === peer && earlier < epoch) hearing.lost("superseded");
  }

  #reached(isReached: boolean): void {
    if (!isReached) this.#loseAll("unreachable");
    if (this.#status.value !== "fenced") this.#status.set(isReached ? "ready" : "unreachable");
  }

  #fenced(run: ClientRun): void {
    if (this.#conversation?.run !== run || this.#status.value === "fenced") return;
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
    conversation?.note(() => (conversation.run.isWatching = isWatching));
  }

  /** @throws HawserError `store_unavailable` where the store is closed */
  #present(): Conversation {
    if (this.#conversation === undefined) throw closed();
    return this.#conversation;
  }

  async #ask<T>(run: (server: SharedServer, conversation: Conversation) => Promise<T>): Promise<Answer<T>> {
    const conversation = this.#conversation;
    if (conversation === undefined) return { kind: "refused", thrown: closed() };
    return conversation.ask(() => run(this.#parts.server, conversation));
  }

  async #want<T>(run: (server: SharedServer, conversation: Conversation) => Promise<T>): Promise<T> {
    return answerOf(await this.#ask(run));
  }

  #call<T>(run: (store: Store) => Promise<T>): Promise<T> {
    return this.#want((server) => run(server.store));
  }
}

function notAppended(answer: Exclude<Answer<unknown>, { kind: "value" }>): Appended {
  if (answer.kind === "refused")
    return { ok: false, reason: "unavailable", error: HawserError.from(answer.thrown, "store_unavailable") };
  const reason = answer.delivered ? "unknown" : "unavailable";
  return { ok: false, reason, error: unreachable(answer.delivered) };
}
