import type { AllOptions, Page } from "@hawser/principal";
import type { DisposableLifecycle, Runtime } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import type { EventLog } from "../event-log/event-log.js";
import type { SinkRequest } from "./sink-definition.js";
import type { SinkDeadLetterView, SinkTest, SinkView } from "./sink-view.js";

/** Sinks of one log. */
export const MAX_SINKS = 32;

/** What sinks are made of. */
export interface SinksOptions {
  readonly log: EventLog;
  /** The store that the log lies in. Used as the log uses it: whichever of the two stops last stops it, unless it was started before. */
  readonly store: Store;
  /** Where sinks of kind `file` write: `<name>.jsonl`. Made when the first one does. */
  readonly directory: string;
  /**
   * Whether webhooks may be at loopback and link-local addresses, where services listen that trust whoever reaches them.
   *
   * @default false
   */
  readonly allowLocal?: boolean;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/** How a sink is put. */
export interface PutSinkOptions {
  /** Where a new sink begins: with the events to come, or with the oldest there are. @default "now" */
  readonly from?: "now" | "oldest";
  /** Refuse with `conflict` where there is one by that name. @default false */
  readonly mustBeNew?: boolean;
}

/**
 * Where the events of a log go. Each has a place of its own: one that fails, or hangs, holds up nobody but itself, until the log is full of what it has not taken.
 *
 * `start` comes after that of the log and before that of the principal; `stop` before that of the log, and lets changes that are under way end. Methods throw `HawserError`: `invalid_message` for what is no definition or
 * no name, `not_found`, `store_unavailable`, the last also before the start and from the stop on.
 */
export interface Sinks extends DisposableLifecycle {
  /** @throws HawserError `invalid_state` where they have been started and not stopped; those of the start of the store */
  start(): Promise<void>;
  /** In order of name. */
  list(): Promise<readonly SinkView[]>;
  get(name: string): Promise<SinkView | undefined>;
  /** Makes a sink, or changes it, from where it is. @throws HawserError `conflict`; `overloaded` above `MAX_SINKS` */
  put(
    name: string,
    request: SinkRequest,
    options?: PutSinkOptions,
  ): Promise<{ readonly sink: SinkView; readonly created: boolean }>;
  /** Delivers nothing, or goes on. What is of interest to a paused sink waits in the log. */
  setPaused(name: string, paused: boolean): Promise<SinkView>;
  /** @throws HawserError `conflict` while it has events to deliver or dead letters, unless it is forced: they are given up */
  remove(name: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Delivers an event of the type `hawser.sink.test.v1` at once, once. */
  test(name: string): Promise<SinkTest>;
  /** Oldest first; `after` is an `id`. */
  deadLetters(name: string, page: Page): Promise<readonly SinkDeadLetterView[]>;
  /** All dead letters that there are as the loop begins, unless they go meanwhile; a loop that delivers them again does not meet them once more. */
  allDeadLetters(name: string, options?: AllOptions): AsyncIterable<SinkDeadLetterView>;
  /** Delivers a dead letter again. @throws HawserError `not_found` */
  requeue(name: string, id: string): Promise<void>;
  /** Throws a dead letter away. @throws HawserError `not_found` */
  discard(name: string, id: string): Promise<void>;
}
