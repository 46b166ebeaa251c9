import { setLogger } from "@grpc/grpc-js";

/**
 * Takes the log of grpc-js away, which goes to standard error as it is: header values that a peer
 * sent are in its lines, so that anybody could fill and forge the log, and secrets would be in it.
 * What matters of it, this package says itself. grpc-js has one logger for the whole process; whoever
 * wants to see what it says sets another one with its `setLogger` afterwards.
 */
export function silenceLibrary(): void {
  setLogger({});
}
