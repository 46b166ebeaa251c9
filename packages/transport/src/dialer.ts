import type { Connection } from "./connection.js";

export interface DialOptions {
  /** Gives up: the returned promise rejects with `aborted` and nothing stays open. */
  readonly signal?: AbortSignal;
  /** Upper bound for DNS, TCP, TLS and upgrade together. @default 10 s */
  readonly timeoutMs?: number;
}

/** The agent's end of a transport. */
export interface Dialer {
  readonly transport: string;
  /**
   * Opens one connection.
   *
   * @throws HawserError `connection_failed`, `timeout` or `aborted`; `unauthenticated` or `forbidden` where the server refused the
   *   credentials before the stream began; `overloaded` (with `retryAfterMs` as a property of its cause) where it named a time to come back
   */
  dial(options?: DialOptions): Promise<Connection>;
}
