import { HawserError } from "./errors.js";
import type { JsonValue } from "./event.js";
import type { JsonInput, JsonLike } from "./json-input.js";
import { isResourceKind, kindProblem } from "./resource-id.js";
import type { StandardSchema } from "./schema.js";

/**
 * A kind of resources, defined once for both ends: `defineHandler(kind, ...)` of `@hawser/agent`
 * and `principal.resources.of(kind)` of `@hawser/principal` take types and checks from it.
 *
 * A writer gives the schema's input, which travels unchanged. A reader gets the schema's output, so
 * defaults and coercions apply at the reader.
 */
export interface Kind<Name extends string, Spec, Status = JsonValue, SpecInput = Spec, StatusInput = Status> {
  readonly name: Name;
  readonly spec: StandardSchema<SpecInput, Spec>;
  /** `unchecked` by default: a status is any JSON. */
  readonly status: StandardSchema<StatusInput, Status>;
}

/** Any kind, as a bound of type parameters. */
export type AnyKind = Kind<string, unknown, unknown, unknown, unknown>;

/** The spec that handlers get. */
export type SpecOf<Of extends AnyKind> =
  Of extends Kind<string, infer Spec, unknown, unknown, unknown> ? Spec : never;
/** The status that readers get. */
export type StatusOf<Of extends AnyKind> =
  Of extends Kind<string, unknown, infer Status, unknown, unknown> ? Status : never;
/** The spec that a writer puts. */
export type SpecInputOf<Of extends AnyKind> =
  Of extends Kind<string, unknown, unknown, infer Input, unknown> ? Input : never;
/** The status that handlers return and report. */
export type StatusInputOf<Of extends AnyKind> =
  Of extends Kind<string, unknown, unknown, unknown, infer Input> ? Input : never;

/** Input of a schema. A coercing schema takes `unknown`, which then is any JSON. */
export type SchemaInput<Schema extends StandardSchema> =
  NonNullable<Schema["~standard"]["types"]> extends { readonly input: infer Input }
    ? [Input] extends [JsonInput<Input>]
      ? Input
      : JsonInput<Input, JsonValue>
    : never;

/** Output of a schema. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

/** `unknown` for a schema of JSON input; else a type that no schema fits. */
export type TakesJson<Schema extends StandardSchema> = [SchemaInput<Schema>] extends [
  NonNullable<Schema["~standard"]["types"]>["input"],
]
  ? unknown
  : { readonly "this schema takes what is no JSON": SchemaInput<Schema> };

/**
 * Defines a kind: its name, the schema of its specs and, optionally, that of its statuses. Any
 * library that follows Standard Schema will do. Inputs must be JSON: `z.iso.datetime()`, not
 * `z.date()`.
 * @throws HawserError `invalid_config` for an illegal name or an invalid schema
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

/** A schema without checks: its values are trusted to be a `T`. */
export function unchecked<T>(): StandardSchema<T> {
  // The only place that trusts a type, because the caller asked for it.
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
