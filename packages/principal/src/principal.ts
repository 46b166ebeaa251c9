import type { ResendTiming } from "@hawser/delivery";
import type { Accepted, PublishOptions } from "@hawser/link";
import type {
  BoundAddress,
  GateOptions,
  GateState,
  Listener,
  ListenerOptions,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
  UpgradeSource,
} from "@hawser/listener";
import type { EventInput, HawserEvent, JsonValue } from "@hawser/protocol";
import type { CallLimits, DisposableLifecycle, Runtime } from "@hawser/runtime";
import type { SessionTiming } from "@hawser/session";
import type { Store } from "@hawser/store";
import type { Acceptor, Dialer } from "@hawser/transport";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { AllOptions, Page } from "./all-of.js";
import type { Authenticate, ScreenPeer } from "./authenticate.js";
import type { AgentRateLimits } from "./sessions/agent-rates.js";
import type { DrainOptions, DrainProgress, DrainReport, DrainShape } from "./drain.js";
import type { PrincipalObserver } from "./principal-observer.js";
import type { Resources } from "./resources/resources.js";
import type { PurgeReport, AgentView, DeadLetterView, RollbackReport, RemovedAgentView } from "./views.js";

export type { Accepted, PublishOptions } from "@hawser/link";

/** What `createPrincipal` makes a principal of. */
export interface PrincipalOptions {
  /** Where everything accepted is kept. The principal starts it, and stops it after everything else; one that was started before, or that others use, stays open (`Store.use`). */
  readonly store: Store;
  /** The transports agents may come by; they share the listener's port. */
  readonly acceptors: readonly Acceptor[];
  /**
   * The external port; or `{ by: "upgrade" }` for an HTTP server that is there already, which gives the upgrades of agents to `handleUpgrade`. Absent: no port is bound and the acceptors are fed by other
   * means (tests, another listener).
   */
  readonly listen?: ListenerOptions | UpgradeListenerOptions;
  /** The control plane's own port or Unix socket. With it the start has two phases: `listen` opens only when the gate does. */
  readonly internal?: InternalOptions;
  /** What has to be so before `listen` opens. @default with `internal`: the store answers and the self-login is through; without: nothing */
  readonly gate?: GateOptions;
  /** Decides who an agent is. @default everyone is let in; only sensible on a loopback address */
  readonly authenticate?: Authenticate;
  /** What a request's credential is worth by itself, before its `hello`. @default nothing is said of anybody */
  readonly screen?: ScreenPeer;
  /** Events agents send that are not the state of a resource. Absent: they are refused for good with `no_handler`. */
  readonly onEvent?: AgentEventHandler;
  readonly observer?: PrincipalObserver;
  /** Clock, timers, randomness and the logger. @default the real ones, and warnings in lines for people on standard error */
  readonly runtime?: Runtime;
  /** CloudEvents `source` of what this principal says. @default "hawser/principal" */
  readonly source?: string;
  /** Un-ACKed events accepted per session. @default DEFAULT_WINDOW (256) */
  readonly window?: number;
  /**
   * Bytes of them; also what one session has in flight and reads ahead of its mailbox at most (or 64 KiB, if that is more). 1 means one event at
   * a time. @default DEFAULT_WINDOW_BYTES (8 MiB)
   */
  readonly windowBytes?: number;
  /**
   * Bytes of events that all sessions together hold in memory; beyond it each session still has 64 KiB (or 1/4,096 of it, if less), or one event. The rest waits on
   * disk. @default DEFAULT_READ_AHEAD_BYTES (256 MiB)
   */
  readonly readAheadBytes?: number;
  /**
   * What one agent may send a second. Beyond it its connection is not read for a while; nothing is dropped.
   *
   * @default DEFAULT_AGENT_RATES (10,000 events, 20,000 control messages, 64 MiB)
   */
  readonly rates?: Partial<AgentRateLimits>;
  /** Connections kept at once; one more is refused with `overloaded` and a time to come back. @default 20_000 */
  readonly maxSessions?: number;
  /** How `stop` drains. @default a restart with a window of 5 s */
  readonly stop?: Partial<DrainOptions>;
  readonly timing?: Partial<SessionTiming>;
  readonly resend?: Partial<ResendTiming>;
}

/** A port or a Unix socket for peers of the control plane itself, without an admission limit. Not to be reachable by anybody else. */
export interface InternalOptions {
  readonly listen: Omit<ListenerOptions, "admission"> | UnixListenerOptions;
  /** How this principal reaches that address to log in to itself, as any agent would, before agents are let in. Absent: no self-login. */
  readonly selfLogin?: (address: BoundAddress | UnixAddress) => Dialer;
}

/**
 * Called for each event of an agent, at least once; idempotent by (`event.resourceid`, `event.eventid`). Resolve: applied. Throw a `HawserError` with code `handler_rejected`:
 * refused for good. Throw anything else: tried again later.
 */
export type AgentEventHandler = (delivery: {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
  /**
   * The fencing token of the session that brought the event. Where several principals share a store,
   * a handler of an earlier session may still run. A database that refuses a lower epoch than it has
   * seen of the agent keeps its effects out.
   */
  readonly epoch: number;
  /**
   * Aborted when this principal loses the mailbox of the agent: to another principal, or with the
   * store. A handler that outlives its session is not told of another principal; in both cases its
   * result is not recorded, and `epoch` keeps its effect out.
   */
  readonly signal: AbortSignal;
}) => Promise<void> | void;

/** How an agent is removed. */
export interface RemoveAgentOptions extends CallLimits {
  /** Also with events pending, which are given up. @default false */
  readonly force?: boolean;
  /**
   * It is remembered that the agent was removed: when it comes back it is refused, and nothing is accepted for it, until `readmitAgent`. Of 10,000 of these (`maxTombstones` of the store) the oldest is forgotten for the next.
   * Without it, the agent begins anew when it comes back. @default true
   */
  readonly tombstone?: boolean;
}

/** What of an agent is purged. It goes on although the call was given up; asking again does no harm. */
export interface PurgePendingOptions extends CallLimits {
  /** Its specs, deletes and commands, of each uid that is pending or known under this name. @default everything that is pending for the agent */
  readonly resource?: { readonly kind: string; readonly name: string };
}

/** Where a principal can be reached. */
export interface PrincipalAddresses {
  /** The external port. Undefined where there is none. */
  readonly address: BoundAddress | undefined;
  readonly internalAddress: BoundAddress | UnixAddress | undefined;
}

/** What the sessions take of this process at a moment. */
export interface PrincipalLoad {
  /** Bytes of events of the mailboxes in memory, those in flight included; bounded by `readAheadBytes`. */
  readonly readAheadBytes: number;
  /** Connections that are not read for a while, because their agents sent more than `rates` allow. */
  readonly pausedConnections: number;
}

/**
 * The control plane's end.
 *
 * `start` opens the listener, last; `stop` lets every session go with `drain`, then closes the listener, and resolves when all have ended.
 */
export interface Principal extends DisposableLifecycle<PrincipalAddresses> {
  /**
   * Resolves when agents are let in. Where it fails, all of it is undone.
   *
   * @throws HawserError `invalid_state` where it has been started and not stopped; those of the start of its store; `port_in_use`, `address_unavailable`; `timeout` from the gate;
   * `aborted` when it was stopped, or drained, meanwhile
   */
  start(): Promise<PrincipalAddresses>;
  readonly resources: Resources;
  /**
   * Accepts any event for an agent, a plain one or a `CloudEvent` of the SDK; resolves when it is on disk.
   *
   * @throws HawserError `invalid_event`, `event_too_large`, `agent_removed`, `mailbox_full`, `store_full`, `store_unavailable`; `aborted` or `timeout` when the caller gave up
   */
  publish<Data = JsonValue>(
    agent: string,
    event: EventInput<Data>,
    options?: PublishOptions,
  ): Promise<Accepted>;
  /** Agents known here: with a session or a mailbox. In order of name. */
  agents(page: Page): Promise<readonly AgentView[]>;
  /** All that `agents` tells page by page: `for await (const agent of principal.allAgents())`. */
  allAgents(options?: AllOptions): AsyncIterable<AgentView>;
  agent(name: string, limits?: CallLimits): Promise<AgentView | undefined>;
  /** Oldest first; `after` is an `eventid`. */
  deadLetters(agent: string, page: Page): Promise<readonly DeadLetterView[]>;
  /** All dead letters that there are as the loop begins, unless they go meanwhile; a loop that sends them again does not meet them once more. */
  allDeadLetters(agent: string, options?: AllOptions): AsyncIterable<DeadLetterView>;
  /**
   * Forgets an agent for good and gives its room back: its session ends, and its mailbox, resources and dead letters go. If it comes back, it is refused
   * with `agent_removed`, as is whoever publishes to it, until it is readmitted; without `tombstone` it begins anew. @throws HawserError `not_found`; `conflict` while events are pending, unless it is forced, and while events of it are being applied for longer than 10 s
   */
  removeAgent(agent: string, options?: RemoveAgentOptions): Promise<void>;
  /** Lets the name of a removed agent in again, which begins anew; resolves when that is on disk. @throws HawserError `not_found` where it is not known to have been removed */
  readmitAgent(agent: string, limits?: CallLimits): Promise<void>;
  /** Agents that were removed and not readmitted, in order of name. */
  removedAgents(page: Page): Promise<readonly RemovedAgentView[]>;
  /** All of those that `removedAgents` tells page by page. */
  allRemovedAgents(options?: AllOptions): AsyncIterable<RemovedAgentView>;
  /** Sends a dead letter again, as a new version. @throws HawserError `not_found` */
  requeue(agent: string, eventid: string, limits?: CallLimits): Promise<Accepted>;
  /**
   * Throws a dead letter away; resolves when that is on disk. A refused spec stays the spec of its resource, and the next `resources.put` sends it, an equal one
   * included; a refused delete is given up, and its resource is gone from here. @throws HawserError `not_found`
   */
  discardDeadLetter(agent: string, eventid: string, limits?: CallLimits): Promise<void>;
  /**
   * Throws away what is pending for an agent, or what of it is about one resource, and gives its room back; resolves when that is on disk. Dead letters stay, and so does what is accepted
   * from now on. A purged spec stays the spec of its resource (`state` `purged`), and the next `resources.put` sends it, an equal one included; a purged delete is given up, and its resource is gone from here. Keys of purged events
   * are remembered as those of delivered ones. What was sent already the agent may apply all the same: `inFlight`. @throws HawserError `not_found`, `invalid_event`, `store_unavailable`
   */
  purgePending(agent: string, options?: PurgePendingOptions): Promise<PurgeReport>;
  /**
   * Lets every session go; resolves when all are gone, with what they left unanswered. New sessions are refused from here on, each with a slot. While one is under way,
   * further calls answer with it; only `stop` hastens one that would take longer than its own. @throws HawserError `invalid_config`
   */
  drain(options: DrainOptions): Promise<DrainReport>;
  /**
   * Takes a drain back: agents are let in again at once. Sessions whose turn has not come stay; those whose turn has come go, and come back at the slot they were told. The promise of
   * `drain` resolves when those are gone. In a handover most may stay; in a restart all go together, once `leadMs` is over.
   *
   * @throws HawserError `conflict` when none is under way, when the principal is being stopped, and when it was drained before it was open
   */
  undrain(): void;
  /**
   * Takes a request to upgrade from an HTTP server that is there already: `server.on("upgrade", (request, socket, head) => { if (!principal.handleUpgrade(request, socket, head)) socket.destroy(); })`.
   * False when its path is not the one agents connect at (`basePath` of the WebSocket acceptor, then `/v1/connect`): it is for somebody else, and nothing of it was touched.
   *
   * Where it is, the socket is this principal's until it closes, and nothing that befalls it reaches that server. All that holds at a port of our own holds for it: before `start` is through and after
   * `stop` it is answered with 503 and a time to come back, then the line (`admission`), the budgets of what is no session yet, `screen` and `authenticate` with the headers of the request and the
   * client certificate that the server has verified, `drain` and `stop`. What that server does before it hands over is its own: it bounds its connections, the time and length of a request's
   * head, and TLS; agents in line are sockets that it has accepted. Its `close` waits for the sockets of agents, so stop the principal first.
   *
   * @throws HawserError `invalid_config` without `listen`; it throws nothing else
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, source?: UpgradeSource): boolean;
  /**
   * Asks `authenticate` again for every agent that is here, because its answer may be another one now: sessions that it refuses are closed with its error. Resolves with
   * how many those were. Where it throws, the session stays.
   */
  reauthenticate(): Promise<number>;
  /** How far a drain is; undefined when none is under way. */
  readonly draining: DrainProgress | undefined;
  /** The external port: who waits at it, who was let in and who was turned away. Undefined without `listen`. */
  readonly listener: Pick<Listener, "stats" | "configure" | "secure" | "certificateNotAfter"> | undefined;
  /** The control plane's own port: what became of its connections. Undefined without `internal`. */
  readonly internalListener: Pick<Listener, "stats"> | undefined;
  /** What a start is waiting for, and whether the external port is open. */
  readonly gate: GateState;
  /** Whether it serves: the readiness of an orchestrator. */
  readonly state: PrincipalStatus["kind"];
  /** What agents prove about the store: that it was rolled back. Those are refused, everything else goes on. Undefined while none does. */
  readonly rollback: RollbackReport | undefined;
  readonly load: PrincipalLoad;
  /** Tells this observer too, also of sessions that are open already, until the answer is called. */
  observe(observer: PrincipalObserver): () => void;
  /**
   * What it is doing, then what it does next; a reader slower than the changes gets the newest. Ends with the stop of the principal, which it tells, or with the
   * signal.
   */
  status(options?: { readonly signal?: AbortSignal }): AsyncIterable<PrincipalStatus>;
}

/** What a principal is doing. */
export type PrincipalStatus =
  | { readonly kind: "stopped" }
  /** Waiting for what the gate names. */
  | { readonly kind: "starting"; readonly gate: GateState }
  | ({ readonly kind: "open" } & PrincipalAddresses)
  | { readonly kind: "draining"; readonly shape: DrainShape; readonly reason: string };
