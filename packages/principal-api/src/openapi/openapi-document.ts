import type { ErrorCode } from "@hawser/protocol";
import type { Hono } from "hono";
import type { z } from "zod";
import { SchemaCollection, type JsonSchema } from "./api-schema.js";
import { STATUS_BY_CODE } from "@hawser/http-binding";
import { TAGS, type Operation } from "./operation.js";
import { ProblemBody } from "./view-schemas.js";

/** Who decides who may ask: nobody, tokens of this API, or the program it is in. */
export type ApiSecurity = "none" | "bearer" | "own";

/** Media type, and what it holds. */
export type OpenApiContent = Readonly<
  Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>
>;

export interface OpenApiAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: OpenApiContent;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: OpenApiContent };
  readonly responses: Readonly<Record<string, OpenApiAnswer>>;
  readonly security?: readonly [];
}

/** The part of OpenAPI 3.1 that describes this API. */
export interface OpenApiDocument {
  readonly openapi: "3.1.1";
  readonly info: Readonly<Record<string, unknown>> & { readonly title: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const DESCRIPTION = "Resources and events for agents, what became of them, and the state of the fleet.";
const OWN_SECURITY =
  "The program that this API is in decides who may ask, and says what a request has to show.";

const PARAMETERS: Readonly<Record<string, string>> = {
  agent: "The name of the agent.",
  kind: "The kind of the resource, such as `ConfigFile`.",
  name: "The name of the resource.",
  eventid: "The version of the event.",
  sink: "The name of the sink.",
  id: "The `id` of the dead letter.",
};

/** Describes every route of an app. What has no description is left out, and a test sees to it that there is no such route. */
export function openApiDocument(
  app: Pick<Hono, "routes">,
  version: string,
  security: ApiSecurity,
): OpenApiDocument {
  const schemas = new SchemaCollection();
  const problem = schemas.of(ProblemBody, "answer");
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const { method, path, handler } of app.routes) {
    if (!isDescribed(handler)) continue;
    const name = path.replaceAll(/:(\w+)/g, "{$1}");
    const described = describe(handler.operation, path, schemas, problem, security);
    (paths[name] ??= {})[method.toLowerCase()] = described;
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Hawser principal",
      version,
      description: security === "own" ? `${DESCRIPTION} ${OWN_SECURITY}` : DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    // Relative to the document (OpenAPI 3.1, Relative References in URLs), which a proxy, or whoever mounts the API, may serve below a path.
    servers: [{ url: "." }],
    tags: TAGS.map((name) => ({ name })),
    security: security === "bearer" ? [{ bearer: [] }] : [],
    paths,
    components: {
      schemas: schemas.named(),
      headers: {
        RequestId: {
          description: "The caller's `x-request-id` if it is fit to be logged, else a new one.",
          schema: { type: "string" },
        },
      },
      ...(security === "bearer" ? { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } } : {}),
    },
  };
}

function isDescribed(handler: unknown): handler is { readonly operation: Operation } {
  return typeof handler === "function" && "operation" in handler;
}

function describe(
  spec: Operation,
  path: string,
  schemas: SchemaCollection,
  problem: JsonSchema,
  security: ApiSecurity,
): OpenApiOperation {
  return {
    operationId: spec.id,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    parameters: parameters(spec, path, schemas),
    ...requestBody(spec, schemas),
    responses: { ...answers(spec, schemas), ...problems(spec, problem, security) },
    ...(spec.open === true && security === "bearer" ? { security: [] } : {}),
  };
}

function parameters(spec: Operation, path: string, schemas: SchemaCollection): OpenApiParameter[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]): OpenApiParameter => {
    const description = PARAMETERS[name] ?? name;
    return { name, in: "path", required: true, description, schema: { type: "string" } };
  });
  const inQuery = Object.entries(spec.query?.shape ?? {}).map(([name, type]): OpenApiParameter => {
    const { description, ...schema } = schemas.of(type as z.ZodType, "request");
    const text = typeof description === "string" ? { description } : {};
    return { name, in: "query", required: false, ...text, schema };
  });
  const inHeaders = Object.entries(spec.headers ?? {}).map(([name, description]): OpenApiParameter => {
    return { name, in: "header", required: false, description, schema: { type: "string" } };
  });
  return [...inPath, ...inQuery, ...inHeaders];
}

function requestBody(spec: Operation, schemas: SchemaCollection): Pick<OpenApiOperation, "requestBody"> {
  if (spec.body !== undefined) {
    const { schema, optional, example } = spec.body;
    const content = { "application/json": { schema: schemas.of(schema, "request"), example } };
    return { requestBody: { required: optional !== true, content } };
  }
  if (spec.rawBody === undefined) return {};
  const content = Object.fromEntries(
    Object.entries(spec.rawBody).map(([type, { schema, ...rest }]) => [
      type,
      { schema: schemas.of(schema, "request"), ...rest },
    ]),
  );
  return { requestBody: { required: true, content } };
}

const REQUEST_ID = { "x-request-id": { $ref: "#/components/headers/RequestId" } };

function answers(spec: Operation, schemas: SchemaCollection): Record<string, OpenApiAnswer> {
  const described = Object.entries(spec.answers).map(([status, { description, content, headers }]) => {
    const own = Object.entries(headers ?? {}).map(([name, text]) => [
      name,
      { description: text, schema: { type: "string" } },
    ]);
    const types = Object.entries(content ?? {}).map(([type, schema]) => [
      type,
      { schema: schemas.of(schema, "answer") },
    ]);
    const answer: OpenApiAnswer = {
      description,
      headers: { ...REQUEST_ID, ...Object.fromEntries(own) },
      ...(content === undefined ? {} : { content: Object.fromEntries(types) }),
    };
    return [status, answer] as const;
  });
  return Object.fromEntries(described);
}

/** One answer for each status, with the codes it may have. A status that is an answer of its own stays that. */
function problems(
  spec: Operation,
  problem: JsonSchema,
  security: ApiSecurity,
): Record<string, OpenApiAnswer> {
  const codes = new Map<number, Set<ErrorCode>>();
  const add = (code: ErrorCode, status = STATUS_BY_CODE[code]): void => {
    if (!(status in spec.answers)) codes.set(status, (codes.get(status) ?? new Set()).add(code));
  };
  add("invalid_message");
  add("internal");
  add("forbidden", 421);
  add("forbidden");
  add("overloaded", 429);
  if (security !== "none" && spec.open !== true) add("unauthenticated");
  if (security === "own" && spec.open !== true) add("timeout");
  if (spec.body !== undefined) add("invalid_message", 415);
  if (spec.body !== undefined || spec.rawBody !== undefined) {
    add("event_too_large");
    add("connection_closed");
  }
  for (const error of spec.errors ?? []) {
    if (typeof error === "string") add(error);
    else add(error[0], error[1]);
  }
  const described = [...codes].map(([status, set]) => {
    const names = [...set];
    const schema = { allOf: [problem, { properties: { code: { enum: names }, status: { const: status } } }] };
    const answer: OpenApiAnswer = {
      description: names.map((name) => `\`${name}\``).join(", "),
      headers: REQUEST_ID,
      content: { "application/problem+json": { schema } },
    };
    return [status, answer] as const;
  });
  return Object.fromEntries(described);
}
