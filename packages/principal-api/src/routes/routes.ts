import { HawserError } from "@hawser/protocol";
import type { Context, Hono } from "hono";
import { HttpError } from "@hawser/http-binding";
import type { Operation } from "../openapi/operation.js";

export type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

/** Serves one path; methods that are not there are answered 405 with `Allow` (RFC 9110, section 15.5.6). */
export function route(app: Hono, path: string, handlers: Readonly<Partial<Record<Method, Operation>>>): void {
  const methods = Object.entries(handlers);
  for (const [method, handler] of methods) app.on(method, path, handler);
  const allow = methods.flatMap(([method]) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  app.all(path, (context) => {
    throw new HttpError(405, "invalid_message", `${context.req.method} is not served here; ${allow} is`, {
      headers: { allow },
    });
  });
}

/** A parameter of the path, decoded. */
export function pathParameter(context: Context, name: string): string {
  const value = context.req.param(name);
  if (value === undefined) throw new HawserError("internal", `the route has no parameter ${name}`);
  return value;
}
