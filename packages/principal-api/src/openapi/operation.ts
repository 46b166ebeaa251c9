import type { ErrorCode } from "@hawser/protocol";
import type { z } from "zod";

/** What the OpenAPI document says of a route, beside its method and path. */
export type Operation = OperationSpec & { readonly tag: Tag };

export type Tag = (typeof TAGS)[number];

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

/** An answer in JSON. */
export function json(description: string, schema: z.ZodType, headers?: AnswerSpec["headers"]): AnswerSpec {
  const answer = { description, content: { "application/json": schema } };
  return headers === undefined ? answer : { ...answer, headers };
}

export interface BodySpec<Body extends z.ZodType = z.ZodType> {
  readonly schema: Body;
  /** Left out, a body is the same as `{}`. */
  readonly optional?: true;
  /** What to send, for clients that sent something else. */
  readonly hint?: string;
  readonly example: unknown;
}

export interface OperationSpec<Query extends z.ZodObject = z.ZodObject, Body extends z.ZodType = z.ZodType> {
  /** Unique; what generated clients call it. */
  readonly id: string;
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
