import {
  checkDraft,
  formatVersion,
  HawserError,
  RESERVED_TYPE_PREFIX,
  withTraceContext,
  type EventDraft,
  type HawserEvent,
  type TraceContext,
} from "@hawser/protocol";
import type { CallLimits, TraceScope } from "@hawser/runtime";
import type { Appended, Store } from "@hawser/store";

/** How to publish. A call that was given up may have been accepted: repeat it with its key. */
export interface PublishOptions extends CallLimits {
  /** The same key for the same receiver is accepted once. */
  readonly idempotencyKey?: string;
  /**
   * Goes with the event unless it has one of its own: that of the request it came by, for instance.
   *
   * @default none
   */
  readonly traceContext?: TraceContext;
}

/** An event that is on disk. */
export interface Accepted {
  readonly eventid: string;
  readonly resourceid: string;
  /** True when the idempotency key had been accepted before. */
  readonly duplicate: boolean;
}

/**
 * Message of `tracing:hawser.agent.publish:*` and `tracing:hawser.principal.publish:*`: an event is
 * being accepted for the principal, or for an agent; `result` is an `Accepted`. And of
 * `tracing:hawser.agent.report:*`: a status is, or a newer one of the same resource in its place.
 */
export interface PublishTrace extends TraceScope {
  readonly agent: string;
  readonly event: EventDraft;
  /**
   * Trace context of the accepted event if it has none: the caller's, or that of a subscriber's
   * span.
   */
  traceContext: TraceContext | undefined;
}

/**
 * Message of `tracing:hawser.agent.handle:*` and `tracing:hawser.principal.handle:*`: an event of
 * the other side is at work. `result` is an `Outcome`: applied, or refused for good; `error` is
 * what was thrown: it is tried again.
 */
export interface HandleTrace extends TraceScope {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
}

/** Observes the events that are published. */
export interface PublishObserver {
  /** It is on disk, and was not before. */
  accepted?(
    agent: string,
    event: { readonly resourceid: string; readonly eventid: string; readonly type: string },
  ): void;
  rejected?(agent: string, code: HawserError["code"]): void;
}

/** What `publishTo` goes by. */
export interface PublishToOptions {
  /** The agent that the event is for, or comes from. */
  readonly agent: string;
  /** What to use in the place of an event of a reserved type; for the error message. */
  readonly reserved: string;
  readonly idempotencyKey: string | undefined;
  readonly traceContext: TraceContext | undefined;
  readonly observer?: PublishObserver;
}

/**
 * Accepts an event of an application for `peer`; resolves when it is on disk.
 *
 * Thousands of calls may wait for the disk: a suspended function for each would take more memory
 * than all the rest of it.
 *
 * @throws HawserError `invalid_event`, `event_too_large`, and those of `Store.append`
 */
export function publishTo(
  store: Pick<Store, "append">,
  peer: string,
  event: EventDraft,
  options: PublishToOptions,
): Promise<Accepted> {
  const { agent, idempotencyKey, traceContext, observer } = options;
  try {
    const draft = withTraceContext(checkPublication(event, options), traceContext);
    const append =
      idempotencyKey === undefined ? { peer, event: draft } : { peer, event: draft, idempotencyKey };
    return store.append([append]).then(accepting(agent, draft, observer));
  } catch (thrown) {
    const refused = HawserError.from(thrown);
    observer?.rejected?.(agent, refused.code);
    return Promise.reject(refused);
  }
}

// Statuses and resource changes have APIs of their own, which check uid and version.
function checkPublication(event: EventDraft, { agent, reserved }: PublishToOptions): EventDraft {
  const draft = checkDraft(event);
  if (!draft.type.startsWith(RESERVED_TYPE_PREFIX)) return draft;
  const context = { agent, resource_id: draft.resourceid };
  throw new HawserError("invalid_event", `${draft.type} is reserved; ${reserved}`, context);
}

// A closure by itself: a call that waits holds no more than this.
function accepting(
  agent: string,
  draft: EventDraft,
  observer: PublishObserver | undefined,
): (answers: readonly Appended[]) => Accepted {
  return ([appended]) => acceptedOf(agent, draft, appended, observer);
}

/**
 * What the store answered about one event of an agent, for who published it.
 *
 * @param event absent where it was not there to requeue
 * @throws HawserError that of the refusal; `internal` where the store gave no answer
 */
export function acceptedOf(
  agent: string,
  event: EventDraft | undefined,
  appended: Appended | undefined,
  observer: PublishObserver | undefined,
): Accepted {
  if (appended === undefined) throw new HawserError("internal", "the store gave no answer to an append");
  if (!appended.ok) {
    observer?.rejected?.(agent, appended.error.code);
    throw appended.error;
  }
  const { resourceid = "", type = "" } = event ?? {};
  const eventid = formatVersion(appended.version);
  if (!appended.duplicate) observer?.accepted?.(agent, { resourceid, eventid, type });
  return { eventid, resourceid, duplicate: appended.duplicate };
}
