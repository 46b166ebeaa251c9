import { HawserError } from "@hawser/protocol";
import { seededRandom, systemRuntime } from "@hawser/runtime";
import { createMemoryDisk, createMemoryStore, type Store } from "@hawser/store";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createSinks } from "../sinks/stored-sinks.js";
import { createEventLog } from "./stored-event-log.js";

const isOpen = (store: Store): Promise<boolean> =>
  store.peers({ limit: 1 }).then(
    () => true,
    () => false,
  );

/** A disk that there is nobody for any more. */
function brokenStore(): Store {
  const disk = createMemoryDisk();
  const store = createMemoryStore({ disk });
  disk.crash(seededRandom(1));
  return store;
}

describe("the store of an event log and its sinks", () => {
  async function parts() {
    const directory = await mkdtemp(join(tmpdir(), "hawser-own-store-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const store = createMemoryStore();
    const runtime = systemRuntime();
    const log = createEventLog({ store, runtime });
    const sinks = createSinks({ log, store, directory, runtime });
    onTestFinished(async () => {
      await sinks.stop();
      await log.stop();
    });
    return { store, log, sinks };
  }

  it("is open until the last of them has stopped, in any order", async () => {
    const { store, log, sinks } = await parts();
    for (const last of [log, sinks]) {
      await log.start();
      await sinks.start();
      await (last === log ? sinks : log).stop();
      expect(await isOpen(store)).toBe(true);
      await last.stop();
      expect(await isOpen(store)).toBe(false);
    }
  });

  it("refuses a second start by name, and goes on", async () => {
    const { log, sinks } = await parts();
    await log.start();
    await sinks.start();
    await expect(log.start()).rejects.toMatchObject({ code: "invalid_state" });
    await expect(sinks.start()).rejects.toMatchObject({ code: "invalid_state" });
    expect(await sinks.list()).toEqual([]);
  });

  it("is closed again when a start fails, which may be tried again", async () => {
    const log = createEventLog({ store: brokenStore(), runtime: systemRuntime() });
    for (let round = 0; round < 2; round += 1)
      await expect(log.start()).rejects.toMatchObject({ code: "store_corrupt" });
    const { store, sinks } = await parts();
    vi.spyOn(store, "open").mockRejectedValueOnce(new HawserError("store_full", "no room"));
    await expect(sinks.start()).rejects.toMatchObject({ code: "store_full" });
    expect(await isOpen(store)).toBe(false);
    await sinks.start();
    expect(await isOpen(store)).toBe(true);
  });

  it("lets a change of a sink end that is under way as it stops, and refuses later ones", async () => {
    const { store, log, sinks } = await parts();
    await log.start();
    await sinks.start();
    const file = { target: { kind: "file" } } as const;
    await sinks.put("one", file);
    const changing = sinks.setPaused("one", true);
    const making = sinks.put("two", file);
    const stopped = sinks.stop();
    const late = expect(sinks.put("three", file)).rejects.toMatchObject({ code: "store_unavailable" });
    await Promise.all([changing, making, stopped, late]);
    expect(await sinks.list()).toEqual([]);
    await log.stop();
    expect(await isOpen(store)).toBe(false);
    await log.start();
    await sinks.start();
    expect((await sinks.list()).map(({ name, state }) => [name, state])).toEqual([
      ["one", "paused"],
      ["two", "delivering"],
    ]);
  });
});
