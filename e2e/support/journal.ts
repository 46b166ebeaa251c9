import { readFile } from "node:fs/promises";
import { z } from "zod";

const keySchema = { resourceid: z.string(), eventid: z.string() };
const lineSchema = z.discriminatedUnion("what", [
  z.object({ what: z.literal("start"), pid: z.number() }),
  z.object({ what: z.literal("stop") }),
  z.object({
    what: z.literal("run"),
    ...keySchema,
    attempt: z.number(),
    kind: z.enum(["spec", "delete", "command"]),
  }),
  z.object({ what: z.literal("acked"), ...keySchema }),
  z.object({ what: z.literal("skipped"), ...keySchema, why: z.enum(["duplicate", "stale"]) }),
  z.object({ what: z.literal("refused"), ...keySchema, attempt: z.number() }),
  z.object({ what: z.literal("threw"), ...keySchema, attempt: z.number() }),
]);
export type JournalLine = z.infer<typeof lineSchema>;

export interface EventKey {
  readonly resourceid: string;
  readonly eventid: string;
}

export function keyText({ resourceid, eventid }: EventKey): string {
  return `${resourceid}@${eventid}`;
}

/** What a journal agent wrote so far. A line a kill cut off did not happen: its handler had not begun. */
export async function readJournal(path: string): Promise<readonly JournalLine[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => lineSchema.parse(JSON.parse(line)));
}

export interface JournalFindings {
  /** What broke a rule of delivery, in words; empty when nothing did. */
  readonly violations: readonly string[];
  /** Runs of a version that had run before. */
  readonly repeats: number;
  /** Events that came again although they had been acknowledged, or had been overtaken. */
  readonly redelivered: readonly string[];
  readonly ran: ReadonlyMap<string, "spec" | "delete" | "command">;
  readonly acked: ReadonlySet<string>;
  /** Newest version that ran, by resource. */
  readonly newest: ReadonlyMap<string, number>;
}

/**
 * Holds a journal against the rules of delivery: nothing runs again after its ACK; a version runs again only when the agent itself died in between, and is
 * then told so by its attempt; no resource goes back to an older version, over all lives of the agent.
 */
export function checkJournal(lines: readonly JournalLine[]): JournalFindings {
  const violations: string[] = [];
  const ran = new Map<string, "spec" | "delete" | "command">();
  const lifeOfRun = new Map<string, number>();
  const acked = new Set<string>();
  const newest = new Map<string, number>();
  const redelivered: string[] = [];
  let life = 0;
  let repeats = 0;
  for (const line of lines) {
    if (line.what === "start") life += 1;
    // An agent that was killed between record and ACK does not run the event again: it acknowledges the repeat.
    if (line.what === "acked" || line.what === "skipped") acked.add(keyText(line));
    if (line.what === "skipped") redelivered.push(keyText(line));
    if (line.what !== "run") continue;
    const key = keyText(line);
    const version = Number(line.eventid);
    const before = newest.get(line.resourceid) ?? 0;
    if (acked.has(key)) violations.push(`${key} ran again after its ACK`);
    if (version < before) violations.push(`${key} ran after version ${before} of its resource`);
    const earlier = lifeOfRun.get(key);
    if (earlier !== undefined) {
      repeats += 1;
      if (earlier === life) violations.push(`${key} ran twice in one life of the agent`);
      if (line.attempt < 2) violations.push(`${key} ran again, told it was attempt ${line.attempt}`);
    }
    lifeOfRun.set(key, life);
    ran.set(key, line.kind);
    newest.set(line.resourceid, Math.max(before, version));
  }
  return { violations, repeats, redelivered, ran, acked, newest };
}
