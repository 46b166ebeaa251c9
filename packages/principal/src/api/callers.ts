import type { Context } from "hono";
import type { ApiCaller } from "./api-tokens.js";

/** Who asks, once that is known; written where it is decided. */
export const callers = new WeakMap<Context, ApiCaller>();

/** Who asks; undefined where nobody decides. */
export function callerOf(context: Context): ApiCaller | undefined {
  return callers.get(context);
}
