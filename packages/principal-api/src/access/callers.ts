import type { Context } from "hono";
import type { ApiCaller } from "./api-tokens.js";

/** Who asks, once that is known; written where it is decided. */
export const callers = new WeakMap<Context, ApiCaller>();

/** The name of somebody who was refused, for the log, where it is known. */
export const refusedNames = new WeakMap<Context, string>();

/** Who asks; undefined where nobody decides, and for who is refused. */
export function callerOf(context: Context): ApiCaller | undefined {
  return callers.get(context);
}
