import { HawserError } from "@hawser/protocol";
import { seededRandom } from "@hawser/runtime";
import { expect, it } from "vitest";
import { accept, command, pendingVersions, refusal } from "../compliance/harness.js";
import { changedRows } from "./disk.js";
import { createMemoryDisk } from "./memory-disk.js";
import { createMemoryStore } from "../memory-store.js";

const row = (key: string) => changedRows(new Map([[key, key]]));

it("keeps what was synced through a crash, and of the rest a random part from the beginning", async () => {
  const kept = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const disk = createMemoryDisk();
    const handle = await disk.attach().open();
    await handle.write(row("a"), false);
    await handle.write(row("b"), true);
    await handle.write(row("c"), false);
    await handle.write(row("d"), false);
    const underWay = handle.write(row("e"), true).catch(() => "crashed");
    disk.crash(seededRandom(seed));
    expect(await underWay).toBe("crashed");
    const after = await disk.attach().open();
    const rows = await after.range({ from: "", before: "z", limit: 10 });
    kept.add(rows.map(([key]) => key).join(""));
  }
  expect([...kept].toSorted()).toEqual(["ab", "abc", "abcd", "abcde"]);
});

it("is dead for the store that used it, and alive for the next", async () => {
  const disk = createMemoryDisk();
  const dead = createMemoryStore({ disk });
  await dead.start();
  await accept(dead, "a", command("x_1"));
  disk.crash(seededRandom(1));
  const [underWay] = await dead.append([{ peer: "a", event: command("x_1") }]);
  expect(refusal(underWay).reason).toBe("unknown");
  const [late] = await dead.append([{ peer: "a", event: command("x_1") }]);
  expect(refusal(late).reason).toBe("unavailable");
  const next = createMemoryStore({ disk });
  await next.start();
  expect(await pendingVersions(next, "a")).toEqual([1]);
  await dead.stop();
  await expect(dead.start()).rejects.toMatchObject({ code: "store_corrupt" });
  expect(await accept(next, "a", command("x_1"))).toBe(2);
});

it("lets one store in at a time", async () => {
  const disk = createMemoryDisk();
  const first = createMemoryStore({ disk });
  const second = createMemoryStore({ disk });
  await first.start();
  await expect(second.start()).rejects.toMatchObject({ code: "store_unavailable" });
  await first.stop();
  await second.start();
  expect(second.id).toBe(first.id);
});

it("fails writes on demand", async () => {
  const disk = createMemoryDisk();
  const store = createMemoryStore({ disk });
  await store.start();
  disk.failWrites(new HawserError("store_unavailable", "I/O error"));
  const [answer] = await store.append([{ peer: "a", event: command("x_1") }]);
  expect(refusal(answer)).toEqual({ reason: "unavailable", code: "store_unavailable" });
  disk.failWrites(undefined);
  expect(await accept(store, "a", command("x_1"))).toBe(1);
});

it("is not taken for a store when it holds something else", async () => {
  const disk = createMemoryDisk();
  const handle = await disk.attach().open();
  await handle.write(row("something"), true);
  await handle.close();
  await expect(createMemoryStore({ disk }).start()).rejects.toMatchObject({ code: "store_corrupt" });
});

it("refuses limits that are not positive integers, by name", () => {
  expect(() => createMemoryStore({ limits: { maxBytes: 0 } })).toThrow("maxBytes must be a positive integer");
});

it("gives a snapshot of what is synced, which goes its own way", async () => {
  const disk = createMemoryDisk();
  const handle = await disk.attach().open();
  await handle.write(row("a"), true);
  await handle.write(row("b"), false);
  await handle.write(changedRows(new Map([["a", undefined]])), false);
  const copy = disk.snapshot();
  await handle.write(row("c"), true);
  const copied = await copy.attach().open();
  const all = { from: "", before: "z", limit: 10 };
  expect(await copied.range(all)).toEqual([["a", "a"]]);
  await copied.write(row("d"), true);
  expect((await handle.range(all)).map(([key]) => key)).toEqual(["b", "c"]);
});
