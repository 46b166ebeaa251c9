import type { JsonInput, JsonLike, JsonValue, OutputRequest } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";

/** A resource as its handler sees it. `version`: the `eventid` of its spec or delete. */
export interface DeletedResource {
  readonly kind: string;
  readonly name: string;
  /** The source of truth's. A resource made again under the same kind and name has another one. */
  readonly uid: string;
  readonly version: string;
  /** From 1. Above 1 an earlier run was never recorded; its effect may be there already. */
  readonly attempt: number;
}

/** A resource with what it shall be. */
export interface DesiredResource<Spec = JsonValue> extends DeletedResource {
  /**
   * As the schema of its kind made it, for a handler of `defineHandler`. To any other it comes as
   * it was sent: parse it, and throw `HawserError` `handler_rejected` when it is wrong.
   */
  readonly spec: Spec;
}

/** Given to a handler besides the resource. Stays valid after the call. */
export interface HandlerContext {
  /**
   * Says what became of the resource. Resolves when this status, or a later one of the same
   * resource, is on disk; only the newest is sent. The same status twice is sent once. When the
   * agent's mailbox is full it waits until there is room. After a newer version or a delete was
   * handed to the handler, reports through an older context are dropped.
   *
   * @throws HawserError `event_too_large` or `invalid_event` when it cannot be sent; `aborted` when
   *   the agent stopped first
   */
  report<Status>(status: Status & JsonInput<Status>): Promise<void>;
  /** Epoch of the resource's session, which only rises. Absent in `restore` and `check`. */
  readonly epoch?: number;
  /** Aborted at half of the stop grace, and when the effect may not be recorded: stop waiting. */
  readonly signal: AbortSignal;
  /** Says which resource on every line. */
  readonly logger: Logger;
}

/**
 * Makes the resources of one kind real.
 *
 * Calls for one kind and name never overlap; different ones run at the same time. A crash between a
 * call's effect and the record of it repeats the call, so every method is idempotent by uid and
 * version. Throw `HawserError` `handler_rejected` to refuse for good (the principal sees a dead
 * letter), or `kind_disabled` where this agent's operator has not turned the kind on; anything else
 * thrown is tried again with backoff.
 */
export interface ResourceHandler extends HandlerParts {
  /** Apply it. A returned or reported status is sent; undefined leaves the status as it is. */
  apply(resource: DesiredResource, context: HandlerContext): Promise<JsonLike | void>;
  /**
   * Look whether what `apply` made is still so, and mend it if that is wanted. Called for each
   * resource held, one after the other, once the agent has started and then every
   * `checkIntervalMs`; never while `apply` or `delete` of the same name run. What is returned is
   * the status; undefined leaves it as it is. What is thrown is logged, and looked at again the
   * next time.
   */
  check?(resource: DesiredResource, context: HandlerContext): Promise<JsonLike | void>;
}

/** What a handler has besides that which says a status. */
export interface HandlerParts<Resource = DesiredResource, Context = HandlerContext> {
  /** Undo it. Also called for resources that `apply` never finished with, or never saw. */
  delete(resource: DeletedResource, context: Context): Promise<void>;
  /** After a restart, before the first dial: resume work on a held resource. `attempt` is 1. */
  restore?(resource: Resource, context: Context): Promise<void>;
  /**
   * Somebody looks at what this resource writes: for `forMs` from now on, its statuses have a
   * member `output` (an `OutputWindow`), soon and then at most once a second. A later request takes
   * the place of an earlier one. The resource is one this agent holds. Absent: refused for good
   * with `no_handler`.
   */
  output?(request: OutputRequest): Promise<void> | void;
  /** The agent stops, after its session. Release everything held; reports are still taken. */
  stop?(): Promise<void>;
}

/** What a method returned that may say a status, as far as it is one: nothing, or JSON. */
export type SaidStatus<Status> = Status & (Status extends void ? unknown : JsonInput<Status>);

/**
 * Handlers by kind, as `createAgent` takes them: each a `ResourceHandler` whose statuses are JSON
 * as far as types can tell. Both parameters are inferred, from what `apply` and `check` return.
 */
export type Handlers<Applied, Looked> = {
  readonly [Name in keyof Applied]: HandlerParts & {
    readonly kind?: Name;
    apply(resource: DesiredResource, context: HandlerContext): Promise<SaidStatus<Applied[Name]>>;
  };
} & {
  readonly [Name in keyof Looked]: {
    check?(resource: DesiredResource, context: HandlerContext): Promise<SaidStatus<Looked[Name]>>;
  };
};
