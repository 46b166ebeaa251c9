import type { ResendTiming } from "@hawser/delivery";
import type { Accepted, LinkObserver, PublishOptions } from "@hawser/link";
import type { EventInput, HawserEvent, JsonValue } from "@hawser/protocol";
import type { DisposableLifecycle, Runtime } from "@hawser/runtime";
import type { ReconnectTiming, SessionTiming } from "@hawser/session";
import type { Store } from "@hawser/store";
import type { Dialer } from "@hawser/transport";
import type { AgentState } from "./agent-state.js";
import type { ResourceHandler } from "./resource-handler.js";

/**
 * Called for each event of the principal that is not the state of a resource, at least once;
 * idempotent by (`event.resourceid`, `event.eventid`). In order per resource. Resolve: applied.
 * Throw a `HawserError` with code `handler_rejected`: refused for good. Throw anything else: tried
 * again later.
 */
export type PrincipalEventHandler = (delivery: {
  readonly event: HawserEvent;
  /** Above 1 an earlier run of this very event began and was never recorded. */
  readonly attempt: number;
  /** Of the session that the event came by, which only rises. */
  readonly epoch: number;
  /** Aborted at half of the stop grace, and when the effect may not be recorded any more. */
  readonly signal: AbortSignal;
}) => Promise<void> | void;

/** Everything worth counting and showing. Calls must be cheap and must not throw. */
export interface AgentObserver extends LinkObserver {
  /** The state changed; `Agent.state` already says so. */
  state?(state: AgentState): void;
  /** A log line was suppressed; `Agent.suppressedLogLines` counts it. */
  logLineSuppressed?(): void;
}

/** What `createAgent` makes an agent of. */
export interface AgentOptions {
  /** 1 to 128 characters of a-z, 0-9, `.` and `-` that begin and end with a letter or digit. */
  readonly name: string;
  /**
   * Where everything accepted and received is kept. The agent starts it, and stops it after
   * everything else; one that was started before, or that others use, stays open (`Store.use`).
   */
  readonly store: Store;
  /** How to reach the principal. Of several, the next is tried whenever a connection failed. */
  readonly dialer: Dialer | readonly Dialer[];
  /** By kind. A resource of another kind is refused with `no_handler`. */
  readonly handlers?: Readonly<Record<string, ResourceHandler>>;
  /** Absent: commands are refused for good with `no_handler`. */
  readonly onEvent?: PrincipalEventHandler;
  readonly observer?: AgentObserver;
  /**
   * Clock, timers, randomness and the logger.
   *
   * @default the real ones, and warnings in lines for people on standard error
   */
  readonly runtime?: Runtime;
  /** Un-ACKed events accepted per session. @default DEFAULT_WINDOW (256) */
  readonly window?: number;
  /**
   * Bytes of them; also what is in flight to the principal at most. 1 means one event at a time.
   *
   * @default DEFAULT_WINDOW_BYTES (8 MiB)
   */
  readonly windowBytes?: number;
  readonly timing?: Partial<SessionTiming>;
  readonly reconnect?: Partial<ReconnectTiming>;
  readonly resend?: Partial<ResendTiming>;
  /**
   * How often handlers look whether what they made is still so (`ResourceHandler.check`), give or
   * take a quarter; null: at the start alone.
   *
   * @default DEFAULT_CHECK_INTERVAL_MS (60,000)
   */
  readonly checkIntervalMs?: number | null;
  /** What the principal shows people. @default "hawser-agent/<version>" */
  readonly software?: string;
}

/** How patient a goodbye is. */
export interface StopOptions {
  /**
   * How long the goodbye may take; at half of it handlers see their signal aborted, at the end the
   * connection is cut. Then handlers may take as long again to finish and stop.
   * @default DEFAULT_STOP_GRACE_MS (10 s)
   */
  readonly graceMs?: number;
}

/**
 * The remote end.
 *
 * `start` hands what is held to the handlers (`restore`) and resolves; connecting goes on by
 * itself, for as long as it takes. `stop` says goodbye, waits for running handlers, and stops them.
 */
export interface Agent extends DisposableLifecycle {
  /**
   * @throws HawserError `invalid_state` where it has been started and not stopped; those of the
   *   start of its store; what a handler threw
   */
  start(): Promise<void>;
  readonly name: string;
  readonly state: AgentState;
  /** Log lines suppressed since the agent was made, because many were alike. */
  readonly suppressedLogLines: number;
  /**
   * The state and its changes; a slow reader gets the newest. Ends with the stop of the agent or
   * the signal.
   */
  status(options?: { readonly signal?: AbortSignal }): AsyncIterable<AgentState>;
  /**
   * Accepts an event for the principal; resolves when it is on disk.
   *
   * @throws HawserError `invalid_event`, `event_too_large`, `mailbox_full`, `store_full`,
   *   `store_unavailable`; `aborted` or `timeout` when the caller gave up
   */
  publish<Data = JsonValue>(event: EventInput<Data>, options?: PublishOptions): Promise<Accepted>;
  /** Renews the connection now. False when there is no session to renew. */
  rotate(): boolean;
  /** New credentials: an agent that was refused dials at once. True when it does. */
  credentialsChanged(): boolean;
  stop(options?: StopOptions): Promise<void>;
}
