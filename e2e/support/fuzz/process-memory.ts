import { readFile } from "node:fs/promises";

/**
 * The environment of a process whose memory is looked at. What it keeps of a connection that is over
 * ends it, and is no garbage that a large heap leaves for later.
 */
export const SMALL_HEAP = { NODE_OPTIONS: "--max-old-space-size=128" } as const;

/** Resident bytes of a process; undefined where the system does not tell. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}
