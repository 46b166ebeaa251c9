import { InboxBudget, type ResendTiming } from "@hawser/delivery";
import {
  OutgoingTurns,
  PrincipalLink,
  ReadAhead,
  Receiver,
  type Admission,
  type LinkObserver,
} from "@hawser/link";
import type { AdmissionDecision, AdmissionTimes, HandshakeOutcome } from "@hawser/listener";
import { checkAgentName, eventClass, HawserError, type Hello } from "@hawser/protocol";
import type { Logger, Runtime } from "@hawser/runtime";
import { PrincipalSession, type Established, type SessionEnd, type SessionTiming } from "@hawser/session";
import type { Store } from "@hawser/store";
import type { Connection } from "@hawser/transport";
import type { Authenticate } from "../authenticate.js";
import type { AgentEventHandler, PrincipalLoad } from "../principal.js";
import type { DrainOptions, DrainProgress, DrainReport } from "../drain.js";
import type { PrincipalObserver } from "../principal-observer.js";
import type { RollbackReport } from "../views.js";
import type { AgentPresence } from "./agent-presence.js";
import { AgentRates, type AgentRateLimits } from "./agent-rates.js";
import { applyAgentEvent } from "./apply-agent-event.js";
import { BarredAgents } from "./barred-agents.js";
import { Drains } from "./drains.js";
import { FairTurns } from "./fair-turns.js";
import { HelloAdmission } from "./hello-admission.js";
import { KnownAgents } from "./known-agents.js";
import { RollbackWatch } from "./rollback-watch.js";
import { reauthenticate } from "./reauthenticate.js";
import { SessionLog } from "./session-log.js";
import { Throttle } from "./throttle.js";
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
  readonly turn: (connection: Connection) => Promise<AdmissionDecision> | undefined;
  /** A connection became a session, or ended without: its handshake is over. */
  readonly settled: (connection: Connection, became: HandshakeOutcome) => AdmissionTimes | undefined;
  /** When somebody who is refused is to come back: a slot of its own, in milliseconds from now. */
  readonly slot: () => number;
}

/** Every connection of this principal, from accept to end, and the agents behind them. */
export class SessionRegistry {
  readonly #options: SessionRegistryOptions;
  readonly #logger: Logger;
  readonly #links = new Set<PrincipalLink>();
  readonly #agents: KnownAgents;
  readonly #rollback: RollbackWatch;
  readonly #readAhead: ReadAhead;
  readonly #outgoing: OutgoingTurns;
  readonly #inboxBudget = new InboxBudget();
  readonly #turns: FairTurns;
  /** Connections that are not read for now. */
  readonly #paused = new Set<Throttle>();
  readonly #twoMachines: TwoMachines;
  readonly #barred: BarredAgents;
  readonly #drains: Drains;
  readonly #admission: HelloAdmission;
  readonly #log: SessionLog;
  /** The agent of a link, once its hello was accepted. */
  readonly #names = new Map<PrincipalLink, string>();
  /** What they said when they came, for whoever is asked again who they are. */
  readonly #hellos = new Map<PrincipalLink, Hello>();

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
    this.#logger = options.runtime.logger;
    this.#agents = new KnownAgents(options.runtime.clock);
    const { windowBytes: sessionBytes, readAheadBytes: totalBytes } = options;
    this.#turns = new FairTurns(options.runtime);
    this.#readAhead = new ReadAhead({ totalBytes, sessionBytes });
    this.#outgoing = new OutgoingTurns(options.runtime);
    this.#twoMachines = new TwoMachines(options.runtime.clock, this.#logger);
    this.#rollback = new RollbackWatch(options.runtime.clock, this.#logger);
    this.#log = new SessionLog(this.#logger, options.observer, this.#rollback);
    this.#barred = new BarredAgents(this.#agents, options.runtime.timers);
    const agentOf = (link: PrincipalLink): string | undefined => this.#names.get(link);
    const { runtime, slot } = options;
    this.#drains = new Drains({ runtime, links: this.#links, agentOf, slot });
    this.#admission = new HelloAdmission({
      ...options,
      agents: this.#agents,
      barred: this.#barred,
      drains: this.#drains,
      sessions: () => this.#names.size,
      isLeaving: (link) => this.#isLeaving(link),
    });
  }

  get size(): number {
    return this.#links.size;
  }

  get load(): PrincipalLoad {
    return { readAheadBytes: this.#readAhead.heldBytes, pausedConnections: this.#paused.size };
  }

  get rollback(): RollbackReport | undefined {
    return this.#rollback.report;
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

  /** Does something that no session of this agent may get in the way of, and forgets the agent: see `BarredAgents.during`. */
  barred<T>(agent: string, work: () => Promise<T>): Promise<T> {
    return this.#barred.during(agent, work);
  }

  /** Lets every session go; until `reopen`, new ones are refused, each with a slot. */
  drain(options: DrainOptions): Promise<DrainReport> {
    return this.#drains.begin(options);
  }

  /** A drain that is under way takes no longer than one of these options would. */
  hasten(options: DrainOptions): void {
    this.#drains.hasten(options);
  }

  get progress(): DrainProgress | undefined {
    return this.#drains.progress;
  }

  /** Lets agents in again, and those stay whose turn to go has not come. Nothing without a drain. */
  undrain(): void {
    this.#drains.undo();
  }

  /** Sessions are let in again. */
  reopen(): void {
    this.#drains.reopen();
  }

  /** See `Principal.reauthenticate`. */
  reauthenticate(): Promise<number> {
    return reauthenticate(this.#hellos, {
      runtime: this.#options.runtime,
      authenticate: (peer, hello) => this.#admission.authenticate(peer, hello),
      isLeaving: (link) => this.#isLeaving(link),
    });
  }

  async #admit(link: PrincipalLink, hello: Hello, throttle: Throttle): Promise<Admission> {
    checkAgentName(hello.agent);
    this.#hellos.set(link, hello);
    const refused = await this.#admission.refusal(hello, link);
    if (refused !== undefined) return refused;
    const { runtime, rates, observer } = this.#options;
    const presence = this.#agents.getOrAdd(hello.agent);
    const linkObserver = observer.link?.(hello.agent);
    this.#names.set(link, hello.agent);
    this.#admitted(presence, link);
    throttle.use((presence.rates ??= new AgentRates(rates, runtime.clock.now())));
    return {
      kind: "accepted",
      objection: this.#admission.objection(hello, link.connection.peer),
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

  #receiverOf(presence: AgentPresence, linkObserver: LinkObserver | undefined): Receiver {
    const { runtime, onEvent } = this.#options;
    return (presence.receiver ??= new Receiver({
      runtime,
      peer: presence.name,
      apply: applyAgentEvent(presence.name, onEvent),
      // Keeping a status is a record and nothing else; only an application's handler has effects that an attempt could repeat.
      recordAttempts: ({ type }) => onEvent !== undefined && eventClass(type) === "command",
      windowBytes: this.#options.windowBytes,
      budget: this.#inboxBudget,
      ...(linkObserver === undefined ? {} : { observer: linkObserver }),
    }));
  }

  #opened(link: PrincipalLink, session: Established): void {
    const presence = this.#agents.getOrAdd(session.agent);
    presence.opened(link, session);
    this.#log.opened(link.connection, session, this.#options.settled(link.connection, "session"));
  }

  #ended(link: PrincipalLink, end: SessionEnd): void {
    this.#links.delete(link);
    this.#hellos.delete(link);
    const name = this.#names.get(link);
    this.#names.delete(link);
    this.#options.settled(link.connection, isSentAway(end) ? "sentAway" : "ended");
    // Whatever kept it from becoming a session, this side's rules or the agent's first words, is told here and only here.
    if (end.openedAtMs === undefined && "error" in end) this.#log.refused(link.connection, end.error, name);
    this.#drains.ended(link, name, link.unsettled);
    if (name !== undefined) this.#left(link, name, end);
  }

  #left(link: PrincipalLink, agent: string, end: SessionEnd): void {
    const presence = this.#agents.get(agent);
    if (presence?.ended(link, end) !== true) return;
    if (end.openedAtMs !== undefined) this.#log.ended(link.connection, agent, end, presence.reason);
    this.releaseSeries(agent).catch((err: unknown) => {
      this.#logger.error({ err, agent }, "the series of an agent could not be given up");
    });
  }

  /** Metrics of an agent go with it: when neither a session nor anything undelivered is left of it here. */
  async releaseSeries(agent: string): Promise<void> {
    const stats = await this.#options.store.stats(agent).catch(() => undefined);
    if (this.#agents.get(agent)?.live !== undefined) return;
    if (stats === undefined || (stats.pending === 0 && stats.deadLetters === 0))
      this.#options.observer.gone?.(agent);
  }
}

/** For a reason of this side, and with a time to come back. */
function isSentAway(end: SessionEnd): boolean {
  return end.kind === "retryAfter" || (end.kind === "refused" && end.retryAfterMs !== undefined);
}
