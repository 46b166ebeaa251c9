import type { EventEmitter } from "node:events";

/**
 * Keeps a broken HTTP/2 session from staying in memory.
 *
 * Until the stack of an error is read, V8 keeps the receivers of its frames: for the error of a
 * session, its native half. Node reads the stack where it destroys a socket with the error, but not
 * where the socket is gone already. The native half keeps the callbacks of unacknowledged SETTINGS
 * as a GC root; they keep the session; and a session that leads its owner to the socket (grpc-js,
 * `ServedSocket`) keeps the error. The cycle costs 20 kB for each such connection.
 */
export function readErrorStacks(session: EventEmitter): void {
  session.on("error", ({ stack }: Error) => void stack);
}
