import { InboxBudget, type ResendTiming } from "@hawser/delivery";
import {
  OutgoingTurns,
  PrincipalLink,
  ReadAhead,
  Receiver,
  type Admission,
  type LinkObserver,
} from "@hawser/link";
import type { AdmissionTimes, Settlement, Turn } from "@hawser/listener";
import { checkAgentName, eventClass, HawserError, type Hello } from "@hawser/protocol";
import type { Logger, Runtime } from "@hawser/runtime";
import { PrincipalSession, type Established, type SessionEnd, type SessionTiming } from "@hawser/session";
import { agentRemoved, type Store } from "@hawser/store";
import type { Connection, PeerInfo } from "@hawser/transport";
import type { Authenticate, AuthenticateResult } from "../authenticate.js";
import type { AgentEventHandler, DrainOptions, DrainProgress, DrainReport } from "../principal.js";
import type { PrincipalObserver } from "../principal-observer.js";
import { SELF_AGENT } from "../self-login.js";
import type { PrincipalLoad } from "../principal.js";
import type { OlderCopyReport } from "../views.js";
import { AgentRates, type AgentRateLimits } from "./agent-rates.js";
import { FairTurns } from "./fair-turns.js";
import { Throttle } from "./throttle.js";
import type { AgentPresence } from "./agent-presence.js";
import { applyAgentEvent } from "./apply-agent-event.js";
import { Drain } from "./drain.js";
import { resolveDrainOptions } from "./drain-plan.js";
import { KnownAgents } from "./known-agents.js";
import { OlderCopy } from "./older-copy.js";
import { TwoMachines } from "./two-machines.js";

export interface SessionRegistryOptions {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly source: string;
  readonly software: string;
  readonly window: number;
  readonly windowBytes: number;
  readonly readAheadBytes: number;
  readonly rates: AgentRateLimits;
  /** Sessions at once; one more is refused with `overloaded`. Connections without one do not count here: the listener bounds them. */
  readonly maxSessions: number;
  readonly authenticate: Authenticate;
  readonly onEvent: AgentEventHandler | undefined;
  readonly observer: PrincipalObserver;
  readonly timing: SessionTiming;
  readonly resend: ResendTiming;
  /** Resolves when a connection that is let in may become a session, or has to go; undefined: it may now. */
  readonly turn: (connection: Connection) => Promise<Turn> | undefined;
  /** A connection became a session, or ended without: its handshake is over. */
  readonly settled: (connection: Connection, became: Settlement) => AdmissionTimes | undefined;
  /** When somebody who is refused is to come back: a slot of its own, in milliseconds from now. */
  readonly slot: () => number;
}

/** How long a removal waits for handlers that run for its agent. */
const APPLYING_GRACE_MS = 10_000;

/** How many sessions are asked about before anything else may happen. */
const REAUTHENTICATE_AT_ONCE = 256;

/** Every connection of this principal, from accept to end, and the agents behind them. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #logger: Logger;
  readonly #links = new Set<PrincipalLink>();
  readonly #agents: KnownAgents;
  readonly #olderCopy: OlderCopy;
  readonly #readAhead: ReadAhead;
  readonly #outgoing: OutgoingTurns;
  readonly #inboxBudget = new InboxBudget();
  readonly #turns: FairTurns;
  /** Connections that are not read for now. */
  readonly #paused = new Set<Throttle>();
  readonly #twoMachines: TwoMachines;
  /** The agent of a link, once its hello was accepted. */
  readonly #names = new Map<PrincipalLink, string>();
  /** Agents that are being removed, and how often at once. */
  readonly #barred = new Map<string, number>();
  /** What they said when they came, for whoever is asked again who they are. */
  readonly #hellos = new Map<PrincipalLink, Hello>();
  #drain: Drain | undefined;
  #draining: Promise<DrainReport> | undefined;
  /** Drains that were taken back, until those are gone whose turn had come. */
  readonly #undone = new Map<Drain, Promise<DrainReport>>();

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#logger = options.runtime.logger;
    this.#agents = new KnownAgents(options.runtime.clock);
    const { windowBytes: sessionBytes, readAheadBytes: totalBytes } = options;
    this.#turns = new FairTurns(options.runtime);
    this.#readAhead = new ReadAhead({ totalBytes, sessionBytes });
    this.#outgoing = new OutgoingTurns(options.runtime);
    this.#twoMachines = new TwoMachines(options.runtime.clock, this.#logger);
    this.#olderCopy = new OlderCopy(options.runtime.clock, this.#logger);
  }

  get size(): number {
    return this.#links.size;
  }

  get load(): PrincipalLoad {
    return { readAheadBytes: this.#readAhead.heldBytes, pausedConnections: this.#paused.size };
  }

  get olderCopy(): OlderCopyReport | undefined {
    return this.#olderCopy.report;
  }

  presence(agent: string): AgentPresence | undefined {
    return this.#agents.get(agent);
  }

  /** Names of the agents with a session or remembered from one. */
  names(): Iterable<string> {
    return this.#agents.names();
  }

  /** Takes over a new connection. */
  accept(connection: Connection): void {
    const { runtime, store, source, software, window, windowBytes, timing, resend } = this.#options;
    const session = new PrincipalSession({
      store: store.id,
      window,
      windowBytes,
      software,
      random: runtime.random,
      timing,
    });
    const throttle = new Throttle(connection, this.#turns, runtime, this.#paused);
    const link: PrincipalLink = new PrincipalLink({
      runtime,
      connection,
      session,
      store,
      source,
      window,
      windowBytes,
      readAhead: this.#readAhead,
      turns: this.#outgoing,
      resend,
      admit: (hello) => this.#admit(link, hello, throttle),
      onMessage: (event, bytes) => throttle.handled(event, bytes),
      onUnreadable: (bytes) => throttle.refused(bytes),
      onOpened: (established) => this.#opened(link, established),
      onEnded: (end) => {
        throttle.ended();
        this.#ended(link, end);
      },
    });
    this.#links.add(link);
    link.start();
  }

  /**
   * Ends all connections of an agent, and lets none in before `work` is through; then nothing is remembered of it. Work begins when nothing of the agent is applied
   * any more, because what a handler leaves behind would otherwise come after it.
   *
   * @throws HawserError `conflict` when handlers take longer than that; whatever `work` throws, and then the agent is remembered
   */
  async barred<T>(agent: string, work: () => Promise<T>): Promise<T> {
    this.#barred.set(agent, (this.#barred.get(agent) ?? 0) + 1);
    try {
      const presence = this.#agents.get(agent);
      await presence?.letGo(new HawserError("aborted", "this agent was removed", { agent }));
      await this.#applied(agent, presence?.receiver);
      const result = await work();
      this.#agents.forget(agent);
      return result;
    } finally {
      const left = (this.#barred.get(agent) ?? 0) - 1;
      if (left > 0) this.#barred.set(agent, left);
      else this.#barred.delete(agent);
    }
  }

  #applied(agent: string, receiver: Receiver | undefined): Promise<void> {
    if (receiver === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const grace = this.#options.runtime.timers.after(APPLYING_GRACE_MS, () => {
        const what = `${receiver.applying} events of agent ${agent} are still being applied here`;
        reject(new HawserError("conflict", `${what}; remove it when they are`, { agent }));
      });
      void receiver.idle().then(() => {
        grace.cancel();
        resolve();
      });
    });
  }

  /** Lets every session go; until `reopen`, new ones are refused, each with a slot. */
  drain(options: DrainOptions): Promise<DrainReport> {
    this.#draining ??= this.#beginDrain(options);
    return this.#draining;
  }

  /** A drain that is under way takes no longer than one of these options would. */
  hasten(options: DrainOptions): void {
    this.#drain?.hasten(resolveDrainOptions(options));
  }

  get progress(): DrainProgress | undefined {
    return this.#drain?.progress();
  }

  /** Lets agents in again, and those stay whose turn to go has not come. Nothing without a drain. */
  undrain(): void {
    const [drain, draining] = [this.#drain, this.#draining];
    if (drain === undefined || draining === undefined) return;
    this.reopen();
    this.#undone.set(drain, draining);
    void draining.then(() => this.#undone.delete(drain));
    drain.undo();
    this.#logger.warn({}, "a drain was taken back: agents are let in again");
  }

  /** Sessions are let in again. */
  reopen(): void {
    this.#drain = undefined;
    this.#draining = undefined;
  }

  /** See `Principal.reauthenticate`. */
  async reauthenticate(): Promise<number> {
    const all = [...this.#hellos];
    let refused = 0;
    for (let begin = 0; begin < all.length; begin += REAUTHENTICATE_AT_ONCE) {
      const some = all.slice(begin, begin + REAUTHENTICATE_AT_ONCE);
      const results = await Promise.all(some.map(([link, hello]) => this.#askAgain(link, hello)));
      refused += results.filter((ended) => ended).length;
      // A synchronous look-up would keep everything else waiting for as long as all of them take.
      await new Promise<void>((resolve) => this.#options.runtime.timers.soon(resolve));
    }
    return refused;
  }

  async #askAgain(link: PrincipalLink, hello: Hello): Promise<boolean> {
    try {
      const result = await this.#authenticate(link.connection.peer, hello);
      if (result.ok || !this.#links.has(link)) return false;
      link.fail(result.error);
      return true;
    } catch (err) {
      this.#logger.error(
        { err, agent: hello.agent },
        "cannot tell whether this agent is still let in; it stays",
      );
      return false;
    }
  }

  #beginDrain(options: DrainOptions): Promise<DrainReport> {
    const { runtime, slot } = this.#options;
    const earlier = [...this.#undone];
    this.#drain = new Drain({
      runtime,
      plan: resolveDrainOptions(options),
      links: [...this.#links].filter((link) => !earlier.some(([drain]) => drain.has(link))),
      agentOf: (link) => this.#names.get(link),
      slot,
    });
    const going = earlier.map(([, draining]) => draining);
    return this.#reported(this.#drain.run(), going);
  }

  /** @param going drains before it, whose sessions are gone as well when it is over */
  async #reported(
    draining: Promise<DrainReport>,
    going: readonly Promise<DrainReport>[],
  ): Promise<DrainReport> {
    const report = await draining;
    await Promise.all(going);
    const { shape, sessions, cutOff: cut_off, kept, unsettledTotal: unsettled } = report;
    const fields = { shape, sessions, cut_off, kept, unsettled, duration_ms: report.durationMs };
    this.#logger.info(fields, kept > 0 ? "drained as far as it was not taken back" : "drained");
    return report;
  }

  async #admit(link: PrincipalLink, hello: Hello, throttle: Throttle): Promise<Admission> {
    const { runtime } = this.#options;
    checkAgentName(hello.agent);
    const leaving = this.#refusedByDrain(hello);
    if (leaving !== undefined) return leaving;
    this.#hellos.set(link, hello);
    const result = await this.#authenticate(link.connection.peer, hello);
    // Much may have happened meanwhile, and what ended must leave nothing behind: not a place in the line, either.
    if (this.#isLeaving(link)) return refuse(wentAway());
    if (!result.ok) return refuse(result.error, result.retryAfterMs);
    const buried = this.#refusedByTombstone(hello);
    if (buried !== undefined) return buried;
    const crowded = this.#refusedByNumber(hello);
    if (crowded !== undefined) return crowded;
    const turn = await this.#options.turn(link.connection);
    if (this.#isLeaving(link)) return refuse(wentAway());
    const refused =
      this.#refusedByDrain(hello) ??
      this.#refusedByTurn(hello, turn) ??
      this.#refusedByRemoval(hello) ??
      // The last places may have gone to others meanwhile.
      this.#refusedByNumber(hello) ??
      this.#refusedByRate(hello, link.connection.peer);
    if (refused !== undefined) return refused;
    const presence = this.#agents.getOrAdd(hello.agent);
    const linkObserver = this.#options.observer.link?.(hello.agent);
    this.#names.set(link, hello.agent);
    this.#admitted(presence, link);
    throttle.use((presence.rates ??= new AgentRates(this.#options.rates, runtime.clock.now())));
    return {
      kind: "accepted",
      sessionId: runtime.random.uuid(),
      peer: {
        name: hello.agent,
        receiver: this.#receiverOf(presence, linkObserver),
        observer: presence.observe(linkObserver),
      },
    };
  }

  /** It has ended, or is being closed: its hello was not answered in time, say. */
  #isLeaving(link: PrincipalLink): boolean {
    return link.session.isEnding || !this.#links.has(link);
  }

  #admitted(presence: AgentPresence, link: PrincipalLink): void {
    const { live, name } = presence;
    if (live !== undefined)
      this.#twoMachines.takenOver(name, live.link.connection.peer.address, link.connection.peer.address);
    for (const old of presence.admitted(link))
      old.connection.terminate(new HawserError("superseded", "this agent has two newer connections"));
  }

  #refusedByDrain({ agent }: Hello): Admission | undefined {
    return this.#drain === undefined ? undefined : { kind: "refused", ...this.#drain.refusal(agent) };
  }

  #refusedByTurn({ agent }: Hello, turn: Turn | undefined): Admission | undefined {
    if (turn?.kind !== "refused") return undefined;
    const what = "too many agents are connecting; come back at this time";
    return refuse(new HawserError("overloaded", what, { agent }), turn.retryAfterMs);
  }

  /** Whoever was let in meanwhile is refused by the store. */
  #refusedByTombstone({ agent }: Hello): Admission | undefined {
    const tombstone = this.#options.store.tombstone(agent);
    return tombstone === undefined || this.#barred.has(agent)
      ? undefined
      : refuse(agentRemoved(agent, tombstone));
  }

  #refusedByRemoval({ agent }: Hello): Admission | undefined {
    if (!this.#barred.has(agent)) return undefined;
    const what = "this agent is being removed; come back at this time";
    return refuse(new HawserError("overloaded", what), this.#options.slot());
  }

  /** Whoever reaches the internal port is trusted. */
  #refusedByRate(hello: Hello, { internal }: PeerInfo): Admission | undefined {
    const { agent } = hello;
    if (internal === true || this.#agents.getOrAdd(agent).mayOpen(this.#beginsAnew(hello))) return undefined;
    const what = "this agent has opened too many sessions lately; come back at this time";
    return refuse(new HawserError("overloaded", what, { agent }), this.#options.slot());
  }

  // What it has to be told again then takes the store long.
  #beginsAnew({ agent, store, known }: Hello): boolean {
    const own = this.#options.store;
    const standing = own.standing(agent);
    if (standing === undefined) return false;
    return standing.peer.store !== store || (known !== undefined && known.store !== own.id);
  }

  #refusedByNumber({ agent }: Hello): Admission | undefined {
    const { maxSessions, slot } = this.#options;
    if (this.#names.size < maxSessions) return undefined;
    const what = `this principal holds ${maxSessions} sessions already`;
    const error = new HawserError("overloaded", what, { agent });
    return refuse(error, slot());
  }

  async #authenticate(peer: PeerInfo, hello: Hello): Promise<AuthenticateResult> {
    checkAgentName(hello.agent);
    if (hello.agent !== SELF_AGENT) return this.#options.authenticate(peer, hello);
    // Who reaches the internal port is trusted with this name, which nothing is ever sent to.
    if (peer.internal === true) return { ok: true };
    const error = new HawserError("forbidden", `the name ${SELF_AGENT} is the principal's own`);
    return { ok: false, error };
  }

  #receiverOf(presence: AgentPresence, linkObserver: LinkObserver | undefined): Receiver {
    const { runtime, store, onEvent } = this.#options;
    return (presence.receiver ??= new Receiver({
      runtime,
      peer: presence.name,
      apply: applyAgentEvent(presence.name, store, onEvent),
      // Keeping a status is a record and nothing else; only an application's handler has effects that an attempt could repeat.
      recordAttempts: ({ type }) => onEvent !== undefined && eventClass(type) === "command",
      windowBytes: this.#options.windowBytes,
      budget: this.#inboxBudget,
      ...(linkObserver === undefined ? {} : { observer: linkObserver }),
    }));
  }

  #refused({ transport, peer }: Connection, error: HawserError, name = error.agent): void {
    const { code, message } = error;
    this.#options.observer.sessionRefused?.(name ?? "", code);
    const fields = { transport, address: peer.address, code, agent: name };
    const line = `session refused: ${message}`;
    if (code === "store_rolled_back" && name !== undefined) {
      // Of one cause, and maybe by the whole fleet.
      this.#olderCopy.proven(name, error);
      this.#logger.debug(fields, line);
    } else this.#logger.warn(fields, line);
  }

  #opened(link: PrincipalLink, session: Established): void {
    const presence = this.#agents.getOrAdd(session.agent);
    presence.opened(link, session);
    this.#olderCopy.welcomed(session.agent);
    const times = this.#options.settled(link.connection, "session");
    this.#logger.info(
      {
        agent: session.agent,
        session_id: session.sessionId,
        epoch: session.epoch,
        transport: link.connection.transport,
        address: link.connection.peer.address,
        software: session.peerSoftware,
        ...(times === undefined
          ? {}
          : { wait_ms: Math.round(times.waitMs), handshake_ms: Math.round(times.handshakeMs) }),
      },
      "session opened",
    );
  }

  #ended(link: PrincipalLink, end: SessionEnd): void {
    this.#links.delete(link);
    this.#hellos.delete(link);
    const name = this.#names.get(link);
    this.#names.delete(link);
    this.#options.settled(link.connection, isSentAway(end) ? "sentAway" : "ended");
    // Whatever kept it from becoming a session, this side's rules or the agent's first words, is told here and only here.
    if (end.openedAtMs === undefined && "error" in end) this.#refused(link.connection, end.error, name);
    for (const drain of this.#undone.keys()) drain.ended(link, name, link.unsettled);
    this.#drain?.ended(link, name, link.unsettled);
    if (name !== undefined) this.#left(link, name, end);
  }

  #left(link: PrincipalLink, agent: string, end: SessionEnd): void {
    const presence = this.#agents.get(agent);
    if (presence?.ended(link, end) !== true) return;
    if (end.openedAtMs !== undefined) {
      if (end.kind === "refused") this.#options.observer.sessionRefused?.(agent, end.code);
      this.#sayEnded(link.connection, agent, end, presence.reason);
    }
    this.releaseSeries(agent).catch((err: unknown) => {
      this.#logger.error({ err, agent }, "the series of an agent could not be given up");
    });
  }

  #sayEnded({ transport }: Connection, agent: string, end: SessionEnd, reason: string | undefined): void {
    const line = `session ended: ${reason ?? end.kind}`;
    const code = "error" in end ? { code: end.error.code } : {};
    if (end.kind === "failed" || end.kind === "refused")
      this.#logger.warn({ agent, transport, ...code }, line);
    else this.#logger.info({ agent, transport, end: end.kind, ...code }, line);
  }

  /** Metrics of an agent go with it: when neither a session nor anything undelivered is left of it here. */
  async releaseSeries(agent: string): Promise<void> {
    const stats = await this.#options.store.stats(agent).catch(() => undefined);
    if (this.#agents.get(agent)?.live !== undefined) return;
    if (stats === undefined || (stats.pending === 0 && stats.deadLetters === 0))
      this.#options.observer.gone?.(agent);
  }
}

function refuse(error: HawserError, retryAfterMs?: number): Admission {
  return { kind: "refused", error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function wentAway(): HawserError {
  return new HawserError("connection_closed", "it went away before it was let in");
}

/** For a reason of this side, and with a time to come back. */
function isSentAway(end: SessionEnd): boolean {
  return end.kind === "retryAfter" || (end.kind === "refused" && end.retryAfterMs !== undefined);
}
