/** Besides sockets: stores, pipes, what Node.js itself keeps open. */
const OTHER_FILES = 256;
/** Socket.IO has two connections of an agent open while it goes over from polling to WebSocket, and one more that is closing. */
const SOCKETS_PER_AGENT = 3;

/** @throws Error naming the limit and what it should be, where a server of so many agents would run out of open files */
export function checkOpenFiles(agents: number, limit = openFileLimit()): void {
  const needed = agents * SOCKETS_PER_AGENT + OTHER_FILES;
  if (limit === undefined || limit >= needed) return;
  throw new Error(
    `${agents} agents need up to ${needed} open files in one process, and the limit is ${limit}: raise it (ulimit -n ${needed}), or take fewer with --agents`,
  );
}

/** What the system allows this process and its children; undefined where it does not say, or sets no limit. */
function openFileLimit(): number | undefined {
  const limits: unknown = Reflect.get(process.report.getReport(), "userLimits");
  if (typeof limits !== "object" || limits === null) return undefined;
  const files: unknown = Reflect.get(limits, "open_files");
  if (typeof files !== "object" || files === null) return undefined;
  const soft: unknown = Reflect.get(files, "soft");
  return typeof soft === "number" ? soft : undefined;
}
