import type { Duplex } from "node:stream";

/** What Node.js has beneath a socket: it counts what it was given, and what of that the kernel has not taken. */
interface Handle {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/**
 * How many bytes the kernel has ever taken from a socket, whoever wrote them; undefined where nobody counts.
 *
 * What a stream calls written is no measure of progress: it changes when all of a write is through, which may be megabytes, and
 * `bytesWritten` of a socket counts what only waits. Node.js looks at the same queue before it calls a socket idle.
 */
export function bytesSentBy(socket: Duplex): number | undefined {
  const handle = lowestHandle(socket);
  return handle === undefined ? undefined : handle.bytesWritten - handle.writeQueueSize;
}

/** TLS encrypts far ahead of the line: what counts is the socket underneath, or underneath that. */
function lowestHandle(socket: Duplex): Handle | undefined {
  let lowest = memberOf(socket, "_handle");
  for (let parent = memberOf(lowest, "_parent"); isObject(parent); parent = memberOf(parent, "_parent"))
    lowest = parent;
  return isHandle(lowest) ? lowest : undefined;
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof memberOf(value, "bytesWritten") === "number" &&
    typeof memberOf(value, "writeQueueSize") === "number"
  );
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
