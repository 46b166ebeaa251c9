import {
  checkAgainst,
  HawserError,
  jsonOf,
  misfitText,
  subjectOf,
  type AnyKind,
  type Checked,
  type JsonLike,
  type JsonValue,
  type Kind,
  type StandardSchema,
} from "@hawser/protocol";
import type { DesiredResource, HandlerContext, HandlerParts, ResourceHandler } from "./resource-handler.js";
import { unreportable } from "./unreportable.js";

/** The `HandlerContext` of a `defineHandler` handler, for statuses of its kind. */
export interface KindContext<Status> extends Omit<HandlerContext, "report"> {
  /**
   * As `HandlerContext.report`, once the status was held against the schema of the kind, where that
   * has one. A later report that is through with it earlier takes the place of this one.
   *
   * @throws HawserError `invalid_event` when it does not fit, with the path of what is wrong;
   *   `internal` when the schema fails; and what `HandlerContext.report` throws
   */
  report(status: Status): Promise<void>;
}

/**
 * Makes the resources of one kind real, as `ResourceHandler`, with the types of its schemas.
 *
 * @typeParam Spec what the schema makes of a spec
 * @typeParam Status what the schema takes for a status
 */
export interface KindHandler<Spec, Status> extends HandlerParts<DesiredResource<Spec>, KindContext<Status>> {
  /** Apply it. A returned or reported status is sent; undefined leaves the status as it is. */
  apply(resource: DesiredResource<Spec>, context: KindContext<Status>): Promise<Status | void>;
  /** Look whether what `apply` made is still so: `ResourceHandler.check`. */
  check?(resource: DesiredResource<Spec>, context: KindContext<Status>): Promise<Status | void>;
}

/**
 * What a kind is handled by. A condition, so that the compiler works it out before it reads the
 * handler: a literal that is returned stays one.
 */
export type HandlerOf<Of extends AnyKind> =
  Of extends Kind<string, infer Spec, unknown, unknown, infer Status> ? KindHandler<Spec, Status> : never;

/**
 * A handler for the resources of a kind that is written down with `defineKind`: its methods are
 * given what the schema makes of each spec, and their statuses are held against the schema for
 * them.
 *
 * - A spec that does not fit reaches no method. `apply` of it is refused for good with
 *   `handler_rejected`, which names the path of each thing that is wrong (the first 8). A resource
 *   that this agent holds from before and that does not fit any more is logged, and left out by
 *   `restore` and `check`; `delete` still comes.
 * - A schema that throws, or whose promise rejects, is a mistake in the program: the spec is tried
 *   again with backoff, as anything a handler throws.
 * - A status travels as it was given, not as its schema makes it. One that does not fit is refused
 *   by `report` with `invalid_event`; one that was returned is logged as an error, and told as `{
 *   state: "unreportable", code, message }`, as any status that cannot be sent: the spec is applied
 *   nevertheless.
 *
 * @throws HawserError `invalid_config` for a handler that lacks a half
 */
export function defineHandler<Of extends AnyKind>(
  kind: Of,
  handler: HandlerOf<Of>,
): ResourceHandler & { readonly kind: Of["name"] };
export function defineHandler<Spec, Status>(
  kind: Schemas<Spec>,
  handler: KindHandler<Spec, Status>,
): ResourceHandler & { readonly kind: string } {
  type Call = (resource: DesiredResource<Spec>, context: KindContext<Status>) => Promise<Status | void>;
  const saying =
    (call: Call) =>
    async (resource: DesiredResource, context: HandlerContext): Promise<JsonLike | void> => {
      const parsed = await parsedResource(kind, resource);
      const statuses = new CheckedStatuses<Status>(kind, resource, context);
      return statuses.returned(await call(parsed, statuses.context));
    };
  const contextOf = (resource: { readonly name: string }, context: HandlerContext): KindContext<Status> =>
    new CheckedStatuses(kind, resource, context).context;
  for (const half of ["apply", "delete"] as const)
    if (typeof handler[half] !== "function")
      throw new HawserError("invalid_config", `defineHandler: that of ${kind.name} needs a function ${half}`);
  const { check, restore, output, stop } = handler;
  return {
    kind: kind.name,
    apply: saying((resource, context) => handler.apply(resource, context)),
    delete: (resource, context) => handler.delete(resource, contextOf(resource, context)),
    ...(check && { check: saying((resource, context) => check.call(handler, resource, context)) }),
    ...(restore && {
      restore: async (resource, context) =>
        restore.call(handler, await parsedResource(kind, resource), contextOf(resource, context)),
    }),
    ...(output && { output: (request) => output.call(handler, request) }),
    ...(stop && { stop: () => stop.call(handler) }),
  };
}

/** What is needed of a kind to hold something against it. */
interface Schemas<Spec> {
  readonly name: string;
  readonly spec: StandardSchema<unknown, Spec>;
  readonly status: StandardSchema;
}

/**
 * @throws HawserError `handler_rejected` for a spec that does not fit; `handler_failed` for a
 *   schema that fails
 */
async function parsedResource<Spec>(
  kind: Schemas<Spec>,
  resource: DesiredResource,
): Promise<DesiredResource<Spec>> {
  const what = `the spec of ${subjectOf(kind.name, resource.name)}`;
  let checked: Checked<Spec>;
  try {
    checked = await checkAgainst(kind.spec, resource.spec);
  } catch (thrown) {
    const { message } = HawserError.from(thrown);
    throw new HawserError("handler_failed", `${what} cannot be checked: ${message}`, { cause: thrown });
  }
  if (!checked.ok) throw new HawserError("handler_rejected", misfitText(what, "spec", checked));
  return { ...resource, spec: checked.value };
}

// The statuses of one handler call, each checked against the schema.
class CheckedStatuses<Status> {
  readonly context: KindContext<Status>;
  readonly #schema: StandardSchema;
  readonly #what: string;
  readonly #context: HandlerContext;
  /** A schema may take longer for one status than for the next, and only the newest counts. */
  #given = 0;
  #said = 0;
  #saying: Promise<void> = Promise.resolve();

  constructor(kind: Schemas<unknown>, { name }: { readonly name: string }, context: HandlerContext) {
    this.#schema = kind.status;
    this.#what = `the status of ${subjectOf(kind.name, name)}`;
    this.#context = context;
    this.context = { ...context, report: (status) => this.#report(status) };
  }

  /** What a method returned, as the agent may say it. */
  async returned(status: Status | void): Promise<JsonValue | void> {
    if (status === undefined) return;
    const turn = this.#nextTurn();
    try {
      const json = await this.#checked(status);
      if (this.#isLate(turn)) return;
      return json;
    } catch (thrown) {
      return unreportable(thrown, this.#context.logger);
    }
  }

  async #report(status: Status): Promise<void> {
    const turn = this.#nextTurn();
    const json = await this.#checked(status);
    if (!this.#isLate(turn)) this.#saying = this.#context.report(json);
    return this.#saying;
  }

  #nextTurn(): number {
    this.#given += 1;
    return this.#given;
  }

  #isLate(turn: number): boolean {
    if (turn < this.#said) return true;
    this.#said = turn;
    return false;
  }

  /** @throws HawserError `invalid_event`; `internal` when the schema fails */
  async #checked(status: unknown): Promise<JsonValue> {
    const json = jsonOf(status);
    const checked = await checkAgainst(this.#schema, json);
    if (checked.ok) return json;
    throw new HawserError("invalid_event", misfitText(this.#what, "status", checked));
  }
}
