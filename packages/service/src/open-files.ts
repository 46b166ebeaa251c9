import { readFileSync } from "node:fs";

/** Limits of this process, on Linux. */
const LIMITS_FILE = "/proc/self/limits";

/** The soft RLIMIT_NOFILE. Undefined for no limit, and outside Linux. */
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
