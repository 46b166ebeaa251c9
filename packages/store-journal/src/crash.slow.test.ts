import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { seededRandom } from "@hawser/runtime";
import { createDiskStore, type MailboxLease, type Store } from "@hawser/store";
import { describe, expect, it } from "vitest";
import { createJournalDisk, DEFAULT_SEGMENT_BYTES } from "./journal-disk.js";

/** Two stores side by side, each killed three times, or as often as a long run says. */
const LANES = 2;
const LIVES = Math.max(3, Math.floor(Number(process.env["HAWSER_CRASH_ROUNDS"] ?? 0) / 10));
const here = (name: string): string => new URL(name, import.meta.url).href;
const REGISTER = `import { register } from "node:module"; register(${JSON.stringify(here("./testing/typescript-hooks.mjs"))});`;

/** What a child said before it was killed. */
interface Said {
  readonly commands: Set<number>;
  /** Newest version by name. */
  readonly states: Map<string, number>;
  readonly recorded: Map<string, number>;
  lines: number;
}

/** Runs a child until it has said so many things, and kills it in the middle of the next ones. */
async function runAndKill(
  directory: string,
  segmentBytes: number,
  seed: number,
  lines: number,
): Promise<Said> {
  const said: Said = { commands: new Set(), states: new Map(), recorded: new Map(), lines: 0 };
  const child = spawn(
    process.execPath,
    [
      "--conditions=@hawser/source",
      `--import=data:text/javascript,${encodeURIComponent(REGISTER)}`,
      new URL("./testing/crash-child.mjs", import.meta.url).pathname,
      directory,
      String(seed),
      String(segmentBytes),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    note(said, line);
    if (said.lines === lines) child.kill("SIGKILL");
  }
  expect(said.lines, complaints).toBeGreaterThanOrEqual(lines);
  return said;
}

function note(said: Said, line: string): void {
  const [what = "", number = "", name = ""] = line.split(" ");
  const version = Number(number);
  said.lines++;
  switch (what) {
    case "command":
      said.commands.add(version);
      break;
    case "state":
      said.states.set(name, Math.max(version, said.states.get(name) ?? 0));
      break;
    case "recorded":
      said.recorded.set(name, Math.max(version, said.recorded.get(name) ?? 0));
      break;
    default:
      // The last line may be cut off by the kill.
      said.lines--;
  }
}

const HOLDER = { session: "test", transport: "", address: "", internal: true, software: "" };

function held(store: Store, peer: string): Promise<MailboxLease> {
  const on = { event() {}, more() {}, purged: () => 0, lost() {} };
  return store.open(peer, HOLDER, () => ({ peerStore: "s" }), on);
}

async function verify(store: Store, said: Said): Promise<void> {
  const lease = await held(store, "commands");
  const entries = await lease.read(0, 1_000_000);
  const pending = new Set(entries.map((entry) => entry.version));
  expect([...said.commands].filter((version) => !pending.has(version))).toEqual([]);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const lastVersion = Math.max(0, ...pending);
  expect(await store.stats("commands")).toMatchObject({ pending: pending.size, bytes, lastVersion });

  for (const [name, version] of said.states) {
    const state = await store.retained.get("state", "sent", `Thing/${name}`);
    expect(state?.version, name).toBeGreaterThanOrEqual(version);
  }
  const states = await held(store, "state");
  const pendingStates = await states.read(0, 1_000_000);
  expect((await store.stats("state"))?.pending).toBe(pendingStates.length);
  expect(states.epoch).toBeGreaterThan(1);

  const { applied } = lease.inbox;
  for (const [resourceid, version] of said.recorded) {
    expect(applied.get(resourceid), resourceid).toBeGreaterThanOrEqual(version);
  }
}

// Ends a test that hangs. A life is a number of synced commits, so how long it takes is up to the disk: seconds, and half a minute on one that others write to.
const HANG_MS = 60_000 * LIVES;

describe("SIGKILL under load", () => {
  for (let lane = 1; lane <= LANES; lane++) {
    it.concurrent(
      `loses nothing that was accepted, ${LIVES} times in a row, seed ${lane}`,
      async () => {
        const random = seededRandom(lane);
        // Of small segments, one is filled, checkpointed and removed every few commits.
        const segmentBytes = lane === 1 ? DEFAULT_SEGMENT_BYTES : 32_768;
        const directory = await mkdtemp(join(tmpdir(), "hawser-store-"));
        for (let life = 1; life <= LIVES; life++) {
          const said = await runAndKill(
            directory,
            segmentBytes,
            lane * 10 + life,
            20 + Math.floor(random.next() * 3_000),
          );
          const store = createDiskStore(createJournalDisk(directory, segmentBytes));
          await store.start();
          await verify(store, said);
          await store.stop();
        }
        await rm(directory, { recursive: true, force: true });
      },
      HANG_MS,
    );
  }
});
