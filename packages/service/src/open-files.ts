import { readFileSync } from "node:fs";

/** Of this very process, where the system has such a file: Linux does. */
const LIMITS_FILE = "/proc/self/limits";

/**
 * How many files and sockets this process may have open (the soft RLIMIT_NOFILE; Node raises it to the hard one when it starts). Undefined where there is no limit, or where the
 * system does not tell it in `/proc`, as outside Linux.
 */
export function openFilesLimit(
  read: () => string = () => readFileSync(LIMITS_FILE, "utf8"),
): number | undefined {
  let text: string;
  try {
    text = read();
  } catch {
    return undefined;
  }
  const soft = /^Max open files\s+(\d+)\s/m.exec(text)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
