import type { Random } from "@hawser/runtime";
import type { Context, MiddlewareHandler } from "hono";

const REQUEST_ID_HEADER = "x-request-id";
/** What a caller may name a request: nothing that could break a line of a log. */
const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;
const KEY = "hawser.requestId";

/** Gives each request an id, the caller's own if it is fit to be logged, and puts it on the answer. */
export function requestIds(random: Pick<Random, "uuid">): MiddlewareHandler {
  return async (context, next) => {
    const given = context.req.header(REQUEST_ID_HEADER);
    const id = given !== undefined && ACCEPTED.test(given) ? given : random.uuid();
    context.set(KEY, id);
    await next();
    context.res.headers.set(REQUEST_ID_HEADER, id);
  };
}

/** The id of a request that went through `requestIds`. */
export function requestIdOf(context: Context): string {
  const id: unknown = context.get(KEY);
  return typeof id === "string" ? id : "";
}
