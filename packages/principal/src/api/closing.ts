import type { Context } from "hono";

/** What the server of the API gives each request beside its own parts. */
export interface ServingBindings {
  /** The server closes: answers that would go on for ever are to end. */
  readonly closing: AbortSignal;
}

/** The signal of the server; an API that is mounted elsewhere has none. */
export function closingOf({ env }: Context): AbortSignal | undefined {
  if (typeof env !== "object" || env === null || !("closing" in env)) return undefined;
  return env.closing instanceof AbortSignal ? env.closing : undefined;
}
