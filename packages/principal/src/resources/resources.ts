import type { Accepted } from "@hawser/link";
import type { JsonInput, Kind, OutputPosition, TraceContext } from "@hawser/protocol";
import type { CallLimits } from "@hawser/runtime";
import type { AllOptions } from "../all-of.js";
import type { Page } from "../all-of.js";
import type { KindView, ResourceView } from "../views.js";

/** A write may have been accepted although the call was given up; `put` and `delete` may be repeated. */
export interface PutOptions extends CallLimits {
  /** Refuse with `conflict` unless the resource has this version now; "0" means it must not exist. */
  readonly expectedVersion?: string;
  /** Check everything but the room in the mailbox, and write nothing: the answer is what would be, under the version there is now ("0" for none). @default false */
  readonly dryRun?: boolean;
  /** Of `put`: an equal spec becomes a new version as well, which the agent applies anew: for what was changed at the agent meanwhile. @default false */
  readonly force?: boolean;
  /** Goes with the event that comes of it: that of the request it was asked by, for instance. @default none */
  readonly traceContext?: TraceContext;
}

/** What somebody who looks at the output of a resource asks for. */
export interface OutputAsked {
  /** Comes back in what is shown: 1 to 128 of `[A-Za-z0-9._-]`. */
  readonly request: string;
  /** Whole milliseconds; an agent counts more than a minute as that. */
  readonly forMs: number;
  /** Up to where it is known. @default everything the agent has is shown */
  readonly after?: OutputPosition;
}

/** What a `put` came to. */
export interface PutResult<View = ResourceView> {
  readonly resource: View;
  /** It is a new resource, with a new uid. */
  readonly created: boolean;
  /** There is a new version. */
  readonly changed: boolean;
}

/**
 * The resources of one kind that is written down with `defineKind`, of all agents: as `Resources`, with the types of its schemas.
 *
 * @typeParam Spec what the schema makes of a spec
 * @typeParam Status what the schema makes of a status
 * @typeParam SpecInput what the schema takes for a spec
 */
export interface KindResources<Spec, Status, SpecInput> {
  /**
   * As `Resources.put`, once the spec was held against the schema. What is accepted is the spec as it was given; the agent makes of it what its own schema does.
   *
   * @throws HawserError `invalid_event` when it does not fit, with the path of each thing that is wrong (the first 8); `internal` when the schema fails; and what `Resources.put` throws
   */
  put(
    agent: string,
    name: string,
    spec: SpecInput,
    options?: PutOptions,
  ): Promise<PutResult<KindView<Spec, Status>>>;
  get(agent: string, name: string, limits?: CallLimits): Promise<KindView<Spec, Status> | undefined>;
  /** In order of name; `after` is a name. */
  list(agent: string, page: Page): Promise<readonly KindView<Spec, Status>[]>;
  /** All of them, in order of name. */
  all(agent: string, options?: AllOptions): AsyncIterable<KindView<Spec, Status>>;
  /** As `Resources.requestOutput`. */
  requestOutput(
    agent: string,
    name: string,
    asked: OutputAsked,
    limits?: CallLimits,
  ): Promise<Accepted | undefined>;
  /** As `Resources.delete`. */
  delete(agent: string, name: string, options?: PutOptions): Promise<KindView<Spec, Status> | undefined>;
}

/** The resources of all agents. Methods throw `HawserError`: `invalid_event`, `invalid_agent_name`, `conflict`, `agent_removed`, `mailbox_full`, `store_full`, `store_unavailable`; `aborted` or `timeout` when the caller gave up. */
export interface Resources {
  /** Sets the spec. Resolves when it is on disk. An equal spec is accepted without a new version. */
  put<Spec>(
    agent: string,
    kind: string,
    name: string,
    spec: Spec & JsonInput<Spec>,
    options?: PutOptions,
  ): Promise<PutResult>;
  get(agent: string, kind: string, name: string, limits?: CallLimits): Promise<ResourceView | undefined>;
  /** In order of kind and name; `after` is a `<kind>/<name>`. */
  list(agent: string, page: Page): Promise<readonly ResourceView[]>;
  /** All that `list` tells page by page: `for await (const resource of principal.resources.all(agent))`. */
  all(agent: string, options?: AllOptions): AsyncIterable<ResourceView>;
  /**
   * Asks the agent to show what a resource writes, such as the output of a process: for a while the status of the resource has a member `output` (`parseOutputWindow` of `@hawser/protocol`). Resolves when
   * the request is on disk; it expires with the time it asks for, and is no dead letter then, nor when the agent refuses it. Undefined when there is no such resource.
   */
  requestOutput(
    agent: string,
    kind: string,
    name: string,
    asked: OutputAsked,
    limits?: CallLimits,
  ): Promise<Accepted | undefined>;
  /** Accepts a delete; the resource is gone once the agent acknowledged it. Undefined when there is none. */
  delete(agent: string, kind: string, name: string, options?: PutOptions): Promise<ResourceView | undefined>;
  /** The same for one kind, with types: what is put is held against its schema first, and what comes back is what its schemas make of it. */
  of<Name extends string, Spec, Status, SpecInput, StatusInput>(
    kind: Kind<Name, Spec, Status, SpecInput, StatusInput>,
  ): KindResources<Spec, Status, SpecInput>;
}
