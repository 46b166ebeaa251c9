import { setLogger } from "@grpc/grpc-js";

/**
 * Silences the log of grpc-js, which goes to standard error and holds header values of peers: a
 * peer could fill and forge it, and secrets would be in it. This package logs what matters. grpc-js
 * has one logger for the process; `setLogger` afterwards brings it back.
 */
export function silenceLibrary(): void {
  setLogger({});
}
