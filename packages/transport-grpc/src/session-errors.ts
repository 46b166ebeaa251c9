import type { EventEmitter } from "node:events";

/**
 * Keeps a broken HTTP/2 session from staying in memory for ever.
 *
 * Until somebody reads the stack of an error, V8 keeps for it what each of its frames was called on:
 * for the error of a session, the native half of the session. Node reads the stack where it destroys
 * a socket with the error, but not where the socket is gone by then. The native half keeps the
 * callbacks of SETTINGS that the peer has not acknowledged, as a root that no collection frees; they
 * keep the session; and a session that whoever serves it can follow to its socket (as grpc-js can,
 * and `ServedSocket`) keeps the error with it. That is a ring of 20 kB for each such connection.
 */
export function readErrorStacks(session: EventEmitter): void {
  session.on("error", ({ stack }: Error) => void stack);
}
