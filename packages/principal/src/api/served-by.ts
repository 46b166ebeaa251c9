import type { Context } from "hono";

/** What the server of the API gives each request beside its own parts. */
export interface ServingBindings {
  readonly serving: ServedBy;
}

/** The connection a request came by, and the server of it. */
export interface ServedBy {
  /** The server closes: answers that would go on for ever are to end. */
  readonly closing: AbortSignal;
  /** Address and port of the client; undefined over a Unix socket. */
  readonly address: string | undefined;
  /** What clients are told apart by (see `clientAddressOf`). */
  readonly client: string;
  /** Whoever asks may ask: the connection keeps its place until it is answered. */
  readonly admitted: () => void;
}

/** Where the request came from; undefined in an API that is mounted elsewhere. */
export function servedBy({ env }: Context): ServedBy | undefined {
  return isServed(env) ? env.serving : undefined;
}

function isServed(env: unknown): env is ServingBindings {
  return typeof env === "object" && env !== null && "serving" in env;
}
