import type { ErrorCode } from "@hawser/protocol";
import type { Context } from "hono";
import type { z } from "zod";
import { readJsonBody } from "../http/json-body.js";
import { parseQuery } from "../http/query.js";

export type RouteHandler = (context: Context) => Response | Promise<Response>;

/** A handler with what the OpenAPI document says of it. */
export type Operation = RouteHandler & { readonly operation: OperationSpec };

export const TAGS = [
  "Resources",
  "Events",
  "Agents",
  "Streams",
  "Sinks",
  "Lifecycle",
  "Status",
  "Documentation",
] as const;

export interface AnswerSpec {
  readonly description: string;
  /** By media type; absent: no body. */
  readonly content?: Readonly<Record<string, z.ZodType>>;
  /** Headers beside `x-request-id`, by name. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BodySpec<Body extends z.ZodType = z.ZodType> {
  readonly schema: Body;
  /** Left out, a body is the same as `{}`. */
  readonly optional?: true;
  /** What to send, for those who sent something else. */
  readonly hint?: string;
  readonly example: unknown;
}

export interface OperationSpec<Query extends z.ZodObject = z.ZodObject, Body extends z.ZodType = z.ZodType> {
  /** Unique; what generated clients call it. */
  readonly id: string;
  readonly tag: (typeof TAGS)[number];
  readonly summary: string;
  readonly description?: string;
  /** Every query parameter there is; others are refused. */
  readonly query?: Query;
  /** Request headers that matter, by name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A JSON body, which is checked before the handler runs. */
  readonly body?: BodySpec<Body>;
  /** A body that the handler reads itself, by media type. */
  readonly rawBody?: Readonly<Record<string, { readonly schema: z.ZodType; readonly example?: unknown }>>;
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Codes of problems beside those every operation may have, with the status where it is not the one of the code. */
  readonly errors?: readonly (ErrorCode | readonly [ErrorCode, number])[];
  /** Answered without a token. */
  readonly open?: true;
}

export interface OperationInput<Query, Body> {
  readonly query: Query;
  readonly body: Body;
}

/** Ties a handler to its description: the schemas that are documented are those that check the request. */
export function operation<
  Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Body extends z.ZodType = z.ZodUndefined,
>(
  spec: OperationSpec<Query, Body>,
  handler: (
    context: Context,
    input: OperationInput<z.output<Query>, z.output<Body>>,
  ) => Response | Promise<Response>,
): Operation {
  const handle: RouteHandler = async (context) => {
    const query = parseQuery(context, spec.query) as z.output<Query>;
    const body = (await readBodyOf(context, spec.body)) as z.output<Body>;
    return handler(context, { query, body });
  };
  return Object.assign(handle, { operation: spec });
}

async function readBodyOf(context: Context, body: BodySpec | undefined): Promise<unknown> {
  return body === undefined ? undefined : readJsonBody(context.req.raw, body);
}
