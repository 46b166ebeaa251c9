import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { EventDraft } from "@hawser/protocol";
import { changedRows, type MailboxLease, type Store } from "@hawser/store";
import { describe, expect, it, onTestFinished } from "vitest";
import { explainError } from "./explain-error.js";
import { createJournalDisk } from "./journal-disk.js";
import { createJournalStore } from "./journal-store.js";

async function temporary(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "hawser-store-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  return root;
}

function command(size = 10): EventDraft {
  const data = "x".repeat(size);
  return { specversion: "1.0", id: "1", source: "/test", type: "example.command", resourceid: "x_1", data };
}

async function fill(directory: string): Promise<void> {
  const store = createJournalStore({ directory });
  await store.start();
  await store.append([{ peer: "a", event: command() }]);
  await store.stop();
}

describe("start", () => {
  it("makes the directory, and those above it", async () => {
    const directory = join(await temporary(), "a", "b");
    await fill(directory);
    expect((await readdir(directory)).toSorted()).toEqual(["journal", "rows"]);
  });

  it("names the directory when another store has it open", async () => {
    const directory = await temporary();
    const first = createJournalStore({ directory });
    await first.start();
    await expect(createJournalStore({ directory }).start()).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining(`another process uses the store in ${directory}`),
    });
    await first.stop();
    const second = createJournalStore({ directory });
    await second.start();
    await second.stop();
  });

  it("says that a damaged store is damaged and what to do", async () => {
    const directory = await temporary();
    await fill(directory);
    await writeFile(join(directory, "rows", "CURRENT"), "nonsense\n");
    await expect(createJournalStore({ directory }).start()).rejects.toMatchObject({
      code: "store_corrupt",
      message: expect.stringContaining("start with an empty one"),
    });
  });

  it("says when a part of the store is missing", async () => {
    const directory = await temporary();
    await fill(directory);
    for (const name of await readdir(join(directory, "rows"))) {
      if (name.startsWith("MANIFEST")) await rm(join(directory, "rows", name));
    }
    await expect(createJournalStore({ directory }).start()).rejects.toMatchObject({ code: "store_corrupt" });
  });

  it("says when counters and what they count differ, as they do where rows were lost", async () => {
    const directory = await temporary();
    await fill(directory);
    const disk = await createJournalDisk(directory).open();
    await disk.write(changedRows(new Map([["ma", undefined]])), true);
    await disk.close();
    await expect(createJournalStore({ directory }).start()).rejects.toMatchObject({
      code: "store_corrupt",
      message: expect.stringContaining("the mailbox of a counts 0 pending events and holds 1"),
    });
  });

  it("says when the directory cannot be one", async () => {
    const root = await temporary();
    await writeFile(join(root, "file"), "");
    await expect(
      createJournalStore({ directory: join(root, "file", "store") }).start(),
    ).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringContaining(join(root, "file", "store")),
    });
  });
});

it.runIf(process.platform === "linux")("writes with O_DSYNC to the segment it goes on in", async () => {
  const disk = await createJournalDisk(await temporary(), 2_048).open();
  onTestFinished(() => disk.close());
  const synced = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const descriptor of await readdir("/proc/self/fd")) {
      const file = await readlink(`/proc/self/fd/${descriptor}`).catch(() => "");
      const info = await readFile(`/proc/self/fdinfo/${descriptor}`, "utf8").catch(() => "");
      const flags = Number.parseInt(/^flags:\s+(\d+)/m.exec(info)?.[1] ?? "0", 8);
      if (file.endsWith(".seg") && (flags & constants.O_DSYNC) !== 0) found.push(basename(file));
    }
    return found;
  };
  expect(await synced()).toEqual(["0000000001.seg"]);
  await disk.write(changedRows(new Map([["m", "x".repeat(3_000)]])), true);
  await disk.write(changedRows(new Map([["m", "y"]])), true);
  expect(await synced()).toEqual(["0000000002.seg"]);
});

describe("errors of the disk", () => {
  it.each([
    ["IO error: /d/000005.log: No space left on device", "LEVEL_IO_ERROR", "store_full"],
    ["ENOSPC: no space left on device, mkdir", "ENOSPC", "store_full"],
    ["IO error: /d/000005.log: Disk quota exceeded", undefined, "store_full"],
    ["IO error: /d/000005.log: Input/output error", "LEVEL_IO_ERROR", "store_unavailable"],
    ["Corruption: block checksum mismatch", "LEVEL_CORRUPTION", "store_corrupt"],
    ["IO error: lock /d/LOCK: Resource temporarily unavailable", "LEVEL_LOCKED", "store_unavailable"],
  ])("%s is told apart, also as a cause", (message, code, expected) => {
    const error = Object.assign(new Error(message), code === undefined ? {} : { code });
    expect(explainError(error, "/d").code).toBe(expected);
    expect(explainError(new Error("failed", { cause: error }), "/d").code).toBe(expected);
  });
});

it("a file system without locks is not taken for another process", () => {
  for (const reason of ["No locks available", "Operation not supported"]) {
    const error = Object.assign(new Error(`IO error: lock /d/LOCK: ${reason}`), { code: "LEVEL_LOCKED" });
    expect(explainError(error, "/d")).toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/gives no locks .* local disk/),
    });
  }
});

/** A small file system of its own; undefined where this user may not mount one. */
async function smallFileSystem(): Promise<string | undefined> {
  const path = await mkdtemp(join(tmpdir(), "hawser-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", path], { stdio: "ignore" });
    return path;
  } catch {
    await rm(path, { recursive: true, force: true });
    return undefined;
  }
}

describe("a disk that is really full", () => {
  it("refuses with store_full, loses nothing, and goes on once there is room", async ({ skip }) => {
    const path = await smallFileSystem();
    if (path === undefined) return skip("mounting a small file system needs root");
    onTestFinished(async () => {
      execFileSync("umount", ["-l", path]);
      await rm(path, { recursive: true, force: true });
    });
    await mkdir(join(path, "store"));
    // Something else on that disk, whose removal makes room again.
    await writeFile(join(path, "ballast"), Buffer.alloc(6 * 1024 * 1024));
    const store = createJournalStore({ directory: join(path, "store"), recoveryDelayMs: 20 });
    await store.start();
    onTestFinished(() => store.stop());

    const accepted = await appendUntilRefused(store);
    expect(accepted.length).toBeGreaterThan(0);
    // Full, it can be read all the same, and goes on being refused.
    const [held] = (await store.peers({ limit: 1 })).map((stats) => stats.pending);
    expect(held).toBe(accepted.length);
    expect(await store.retained.list("a", "sent", { limit: 10 })).toEqual([]);
    await expect(open(store, "a")).rejects.toMatchObject({ code: "store_full" });
    await rm(join(path, "ballast"));
    await expect
      .poll(async () => (await store.append([{ peer: "a", event: command() }]))[0]?.ok, { timeout: 5_000 })
      .toBe(true);
    const lease = await open(store, "a");
    const pending = new Set((await lease.read(0, 10_000)).map((entry) => entry.version));
    for (const version of accepted) expect(pending).toContain(version);
    expect((await store.stats("a"))?.pending).toBe(pending.size);
  });
});

function open(store: Store, peer: string): Promise<MailboxLease> {
  const holder = { session: "test", transport: "", address: "", internal: true, software: "" };
  const on = { event() {}, more() {}, purged: () => 0, lost() {} };
  return store.open(peer, holder, () => ({ peerStore: "s" }), on);
}

async function appendUntilRefused(store: Store): Promise<readonly number[]> {
  const accepted: number[] = [];
  for (;;) {
    const batch = Array.from({ length: 8 }, () => ({ peer: "a", event: command(4_000) }));
    for (const answer of await store.append(batch)) {
      if (answer.ok) {
        accepted.push(answer.version);
        continue;
      }
      expect(["unavailable", "unknown"]).toContain(answer.reason);
      expect(answer.error).toMatchObject({ code: "store_full", cause: expect.any(Error) });
      return accepted;
    }
  }
}
