import type { Connection } from "./connection.js";

/**
 * How long a dial may take unless told otherwise: DNS, TCP, TLS and upgrade of a healthy server
 * take far less.
 */
export const DEFAULT_DIAL_TIMEOUT_MS = 10_000;

/** How long a dial may take, and who may end it. */
export interface DialOptions {
  /** Gives up: the returned promise rejects with `aborted` and nothing stays open. */
  readonly signal?: AbortSignal;
  /** Upper bound for DNS, TCP, TLS and upgrade together. @default DEFAULT_DIAL_TIMEOUT_MS */
  readonly timeoutMs?: number;
}

/** The agent's end of a transport. */
export interface Dialer {
  readonly transport: string;
  /**
   * Opens one connection.
   *
   * @throws HawserError `connection_failed`, `timeout` or `aborted`; `unauthenticated` or
   *   `forbidden` where the server refused the credentials before the stream began; `overloaded`
   *   where it named a time to come back, which `retryAfterOf` of `@hawser/protocol` reads
   */
  dial(options?: DialOptions): Promise<Connection>;
}
