import type { Duplex } from "node:stream";

/**
 * The handle under a socket: counts the bytes it was given, and those the kernel has not taken yet.
 */
interface Handle {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/**
 * Bytes that the kernel has taken from a socket so far; undefined where nothing counts them.
 *
 * The counters of a stream do not show progress: its buffered length changes when a whole write is
 * complete, which may be megabytes, and `bytesWritten` counts waiting bytes. Node.js itself reads
 * this queue to decide whether a socket is idle.
 */
export function bytesSentBy(socket: Duplex): number | undefined {
  const handle = lowestHandle(socket);
  return handle === undefined ? undefined : handle.bytesWritten - handle.writeQueueSize;
}

/** TLS encrypts far ahead of the network, so the handle of the lowest socket counts. */
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
