import { HawserError } from "./errors.js";
import type { JsonValue } from "./event.js";
import type { JsonInput, JsonLike } from "./json-input.js";
import { isResourceKind, kindProblem } from "./resource-id.js";
import type { StandardSchema } from "./schema.js";

/**
 * A kind of resources, written down once for both ends: `defineHandler(kind, ...)` of `@hawser/agent` and `principal.resources.of(kind)` of `@hawser/principal` take their types from it, and hold what
 * comes and goes against its schemas.
 *
 * Whoever gives a value gives what the schema takes (its input), and that is what travels; whoever reads one gets what the schema makes of it (its output). So defaults and coercions happen where
 * a value is read.
 */
export interface Kind<Name extends string, Spec, Status = JsonValue, SpecInput = Spec, StatusInput = Status> {
  readonly name: Name;
  readonly spec: StandardSchema<SpecInput, Spec>;
  /** `unchecked` where none was given: a status is any JSON. */
  readonly status: StandardSchema<StatusInput, Status>;
}

/** Any kind, as a bound of type parameters. */
export type AnyKind = Kind<string, unknown, unknown, unknown, unknown>;

/** What the schema of a kind makes of a spec: what handlers are given. */
export type SpecOf<Of extends AnyKind> =
  Of extends Kind<string, infer Spec, unknown, unknown, unknown> ? Spec : never;
/** What the schema of a kind makes of a status: what its readers are given. */
export type StatusOf<Of extends AnyKind> =
  Of extends Kind<string, unknown, infer Status, unknown, unknown> ? Status : never;
/** What the schema of a kind takes for a spec: what is put. */
export type SpecInputOf<Of extends AnyKind> =
  Of extends Kind<string, unknown, unknown, infer Input, unknown> ? Input : never;
/** What the schema of a kind takes for a status: what handlers return and report. */
export type StatusInputOf<Of extends AnyKind> =
  Of extends Kind<string, unknown, unknown, unknown, infer Input> ? Input : never;

/** What a schema takes, as it may be given: one that coerces takes `unknown`, which is any JSON then. */
export type SchemaInput<Schema extends StandardSchema> =
  NonNullable<Schema["~standard"]["types"]> extends { readonly input: infer Input }
    ? [Input] extends [JsonInput<Input>]
      ? Input
      : JsonInput<Input, JsonValue>
    : never;

/** What a schema makes of a value. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

/** Any type where what a schema takes is JSON; else one that no schema has, with a `NotJson` at what is wrong. */
export type TakesJson<Schema extends StandardSchema> = [SchemaInput<Schema>] extends [
  NonNullable<Schema["~standard"]["types"]>["input"],
]
  ? unknown
  : { readonly "this schema takes what is no JSON": SchemaInput<Schema> };

/**
 * Writes a kind down: its name, what its specs are and, if that is wanted, what its statuses are. The schemas may be of any library that follows Standard Schema, and have to take JSON:
 * `z.iso.datetime()`, not `z.date()`.
 *
 * @throws HawserError `invalid_config` for a name that no kind can have, and for what is no schema
 */
export function defineKind<
  const Name extends string,
  Spec extends StandardSchema,
  Status extends StandardSchema = StandardSchema<JsonLike, JsonValue>,
>(
  name: Name,
  schemas: { readonly spec: Spec & TakesJson<Spec>; readonly status?: Status & TakesJson<Status> },
): Kind<Name, SchemaOutput<Spec>, SchemaOutput<Status>, SchemaInput<Spec>, SchemaInput<Status>>;
export function defineKind(
  name: string,
  {
    spec,
    status = unchecked<JsonValue>(),
  }: { readonly spec: StandardSchema; readonly status?: StandardSchema | undefined },
): Kind<string, unknown, unknown, unknown, unknown> {
  if (!isResourceKind(name)) throw new HawserError("invalid_config", `defineKind: ${kindProblem(name)}`);
  checkSchema(name, "spec", spec);
  checkSchema(name, "status", status);
  return Object.freeze({ name, spec, status });
}

/**
 * A schema that lets everything through as a `T`: for a type that is written down by hand, whose values you trust. Nothing is looked at, so a wrong one meets your code as it is.
 */
export function unchecked<T>(): StandardSchema<T> {
  // The one place where a type is taken at its word, because that is what was asked for.
  const validate = (value: unknown) => ({ value: value as T });
  return { "~standard": { version: 1, vendor: "hawser", validate } };
}

function checkSchema(name: string, which: string, schema: unknown): void {
  const given: unknown = (schema as Partial<StandardSchema> | null | undefined)?.["~standard"];
  if (
    typeof given === "object" &&
    given !== null &&
    "validate" in given &&
    typeof given.validate === "function"
  )
    return;
  const wanted =
    "a schema that follows Standard Schema, such as one of zod (3.24 or newer), valibot or arktype";
  throw new HawserError("invalid_config", `defineKind: the ${which} of ${name} needs ${wanted}`);
}
