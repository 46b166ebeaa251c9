import { HttpError } from "@hawser/http-binding";
import type { Context, Hono } from "hono";
import type { z } from "zod";
import { readJsonBody } from "../http/body.js";
import { parseQuery } from "../http/query.js";
import type { Operation, OperationSpec, Tag } from "../openapi/operation.js";

export type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

/** The names in a path such as `/v1/agents/:agent`. */
type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** What a request asks for, checked. */
export interface RouteInput<Path extends string, Query, Body> {
  /** Parameters of the path, decoded. */
  readonly path: Readonly<Record<NamesIn<Path>, string>>;
  readonly query: Query;
  readonly body: Body;
}

/** A handler with its description: the schemas that are documented are those that check the request. */
export interface Route<Path extends string, Query extends z.ZodObject, Body extends z.ZodType>
  extends OperationSpec<Query, Body> {
  readonly handle: (
    context: Context,
    input: RouteInput<Path, z.output<Query>, z.output<Body>>,
  ) => Response | Promise<Response>;
}

/** Adds a route, under the tag that the others of its kind have in the documentation. */
export type Serve = <
  Path extends string,
  Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Body extends z.ZodType = z.ZodUndefined,
>(
  method: Method,
  path: Path,
  route: Route<Path, Query, Body>,
) => void;

/** The routes of an API. */
export class Routes {
  readonly #app: Hono;
  readonly #methods = new Map<string, Method[]>();

  constructor(app: Hono) {
    this.#app = app;
  }

  of(tag: Tag): Serve {
    return (method, path, { handle, ...spec }) => {
      const handler = async (context: Context): Promise<Response> => {
        const query = parseQuery(context, spec.query) as Parameters<typeof handle>[1]["query"];
        const body = spec.body && (await readJsonBody(context.req.raw, spec.body));
        // The router gives every parameter of a path that it has matched.
        const input = { path: context.req.param(), query, body } as Parameters<typeof handle>[1];
        return handle(context, input);
      };
      this.#app.on(method, path, Object.assign(handler, { operation: { ...spec, tag } satisfies Operation }));
      this.#methods.set(path, [...(this.#methods.get(path) ?? []), method]);
    };
  }

  /** Answers the methods that a path does not have with 405 and `Allow` (RFC 9110, section 15.5.6). Call it once all routes are there. */
  refuseOtherMethods(): void {
    for (const [path, methods] of this.#methods) {
      const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
      this.#app.all(path, (context) => {
        throw new HttpError(405, "invalid_message", `${context.req.method} is not served here; ${allow} is`, {
          headers: { allow },
        });
      });
    }
  }
}
