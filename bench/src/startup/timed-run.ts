import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { systemClock } from "@hawser/runtime";

/** What a process says as the last thing it does, on a descriptor of its own: its peak of resident memory in KiB. */
export const TELL_PEAK = `process.on("exit", () => require("node:fs").writeSync(3, String(process.resourceUsage().maxRSS)));\n`;

const KIB_PER_MB = 1_024;

export interface TimedRun {
  readonly ms: number;
  readonly peakMb: number;
}

/** Runs Node to its end. @throws Error with what it printed when it fails */
export async function timedRun(args: readonly string[]): Promise<TimedRun> {
  const startedAt = systemClock.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const told = child.stdio[3];
  if (
    child.stdout === null ||
    child.stderr === null ||
    told === null ||
    told === undefined ||
    !("read" in told)
  )
    throw new Error("a process was started without its streams");
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  const said = Promise.all([text(child.stdout), text(child.stderr), text(told)]);
  const code = await ended;
  const ms = systemClock.now() - startedAt;
  const [, errors, peakKib] = await said;
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${errors}`);
  return { ms, peakMb: Number(peakKib) / KIB_PER_MB };
}
