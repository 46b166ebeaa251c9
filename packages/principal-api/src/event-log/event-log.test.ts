import { HawserError, type HawserEvent } from "@hawser/protocol";
import {
  createMemoryDisk,
  type Disk,
  type MemoryDisk,
  type OpenDisk,
  type Store,
  createDiskStore,
} from "@hawser/store";
import { createVirtualRuntime, settledIn, type VirtualRuntime } from "@hawser/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEventLog } from "./stored-event-log.js";
import type { AllRecordedOptions, EventLog } from "./event-log.js";
import { eventLogStoreLimits, resolveEventLogLimits, type EventLogLimits } from "./log-limits.js";
import { BY_SESSION } from "../testing/held-by.js";

let world: VirtualRuntime;
let disk: MemoryDisk;
let store: Store;
let log: EventLog;
let sent = 0;

beforeEach(() => {
  world = createVirtualRuntime({ seed: 1 });
  disk = createMemoryDisk();
  sent = 0;
});
afterEach(async () => {
  await log.stop();
});

const settled = <T>(work: Promise<T>): Promise<T> => settledIn(world, work);

async function open(limits: Partial<EventLogLimits> = {}, on: Disk = disk.attach()): Promise<void> {
  const { runtime } = world;
  store = createDiskStore(on, { runtime, limits: eventLogStoreLimits(resolveEventLogLimits(limits)) });
  log = createEventLog({ store, runtime, limits });
  await settled(log.start());
  await settled(log.caughtUp());
}

async function reopen(limits: Partial<EventLogLimits> = {}): Promise<void> {
  await settled(log.stop());
  await open(limits);
}

function event(resource = "lamp_1", more: Partial<HawserEvent> = {}): HawserEvent {
  sent += 1;
  return {
    specversion: "1.0",
    id: `id-${sent}`,
    source: "test",
    type: "com.example.happened",
    resourceid: resource,
    eventid: String(sent),
    data: { sent },
    ...more,
  };
}

async function send(agent: string, given: HawserEvent = event()): Promise<void> {
  await settled(Promise.resolve(log.onEvent({ agent, event: given, attempt: 1, ...BY_SESSION })));
}

const read = (query: Parameters<EventLog["read"]>[0]): ReturnType<EventLog["read"]> =>
  settled(log.read(query));

async function positions(query: Partial<Parameters<EventLog["read"]>[0]> = {}): Promise<readonly number[]> {
  return (await read({ limit: 100, ...query })).items.map(({ position }) => position);
}

describe("an event log", () => {
  it("keeps what agents sent as they sent it, over a restart", async () => {
    await open();
    const bytes = event("lamp_1", {
      datacontenttype: "application/octet-stream",
      data: new Uint8Array([0, 255]),
    });
    const text = event("lamp_1", {
      subject: "Lamp/hall",
      traceparent: "00-1-2-01",
      time: "2026-01-02T03:04:05.678901Z",
    });
    await send("a", bytes);
    await send("b", text);
    const expected = [
      { position: 1, agent: "a", event: bytes },
      { position: 2, agent: "b", event: text },
    ];
    expect((await read({ limit: 10 })).items).toMatchObject(expected);
    await reopen();
    expect((await read({ limit: 10 })).items).toMatchObject(expected);
    await send("a");
    expect(await positions()).toEqual([1, 2, 3]);
    expect(log.stats).toMatchObject({ entries: 3, newest: 3, oldest: { position: 1, agent: "a" } });
  });

  it("takes an event once that is sent again, and one like it under another id as another", async () => {
    await open();
    const given = event();
    await send("a", given);
    await send("a", given);
    await send("b", given);
    await send("a", { ...given, id: "other" });
    await reopen();
    await send("a", given);
    expect((await read({ limit: 9 })).items.map(({ agent, event: { id } }) => `${agent} ${id}`)).toEqual([
      "a id-1",
      "b id-1",
      "a other",
    ]);
  });

  it("refuses for good what says of itself who sent it", async () => {
    await open();
    await expect(send("a", event("x_1", { hawseragent: "b" }))).rejects.toMatchObject({
      code: "handler_rejected",
      agent: "a",
      resource_id: "x_1",
    });
    expect(log.stats.entries).toBe(0);
  });

  it("tells a listener of each new event, and one that throws does nobody harm", async () => {
    await open();
    let calls = 0;
    log.listen(() => {
      throw new Error("a reader's fault");
    });
    const stop = log.listen(() => void (calls += 1));
    await send("a");
    expect(calls).toBe(1);
    stop();
    await send("a");
    expect(calls).toBe(1);
  });
});

describe("reading", () => {
  beforeEach(async () => {
    await open();
    for (let index = 0; index < 60; index += 1)
      await send(index % 3 === 0 ? "a" : "b", event("r_1", { type: index % 2 === 0 ? "even.x" : "odd.x" }));
  });

  it("goes on behind a page, and ends", async () => {
    const first = await read({ limit: 40 });
    expect(first.items.map(({ position }) => position)).toEqual(
      Array.from({ length: 40 }, (_, at) => at + 1),
    );
    expect(first).toMatchObject({ through: 40, hasMore: true });
    const rest = await read({ after: first.through, limit: 40 });
    expect(rest.items).toHaveLength(20);
    expect(rest).toMatchObject({ through: 60, hasMore: false });
    expect(await read({ after: 60, limit: 5 })).toEqual({ items: [], through: 60, hasMore: false });
  });

  it.each([
    [{ types: ["even.*"], sources: [], agents: [] }, 30],
    [{ types: [], sources: [], agents: ["a"] }, 20],
    [{ types: ["odd.x"], sources: ["te*t"], agents: ["a"] }, 10],
    [{ types: [], sources: [], agents: ["*"] }, 60],
    [{ types: [], sources: [], agents: ["c"] }, 0],
    [{ types: [], sources: ["other"], agents: [] }, 0],
  ])("finds %j in pages of any size, each event once", async (filter, count) => {
    for (const limit of [1, 7, 100]) {
      const found: number[] = [];
      for (let after = 0, hasMore = true; hasMore; ) {
        const page = await read({ after, limit, filter });
        found.push(...page.items.map(({ position }) => position));
        expect(page.items.length).toBeLessThanOrEqual(limit);
        ({ through: after, hasMore } = page);
      }
      expect(found).toHaveLength(count);
      expect(found).toEqual([...new Set(found)].toSorted((one, other) => one - other));
    }
  });

  it("ends a page at its bytes, with one event at least", async () => {
    expect(await positions({ maxBytes: 1 })).toEqual([1]);
    expect(await positions({ maxBytes: 1, filter: { types: [], sources: [], agents: ["b"] } })).toEqual([2]);
  });
});

describe("the limits of the log", () => {
  it("let go of the oldest that nobody waits for, of an agent first", async () => {
    await open({ maxEntries: 5, maxEntriesPerAgent: 3 });
    for (const agent of ["a", "b", "a", "a", "a"]) await send(agent);
    expect(await positions()).toEqual([2, 3, 4, 5]);
    for (const agent of ["c", "c"]) await send(agent);
    expect(await positions()).toEqual([3, 4, 5, 6, 7]);
    expect(log.stats).toMatchObject({ entries: 5, letGo: 2, refused: 0 });
    await reopen({ maxEntries: 5, maxEntriesPerAgent: 3 });
    expect(await positions()).toEqual([3, 4, 5, 6, 7]);
    expect(log.stats.missingThrough).toBe(2);
  });

  it("refuse with inbox_full what a reader leaves no room for, until it goes on", async () => {
    await open({ maxEntries: 3, maxEntriesPerAgent: 2 });
    const hold = log.hold(0);
    await send("a");
    await send("a");
    const refused = event();
    await expect(send("a", refused)).rejects.toMatchObject({ code: "inbox_full", agent: "a" });
    await send("b");
    await expect(send("c")).rejects.toMatchObject({ code: "inbox_full", agent: "c" });
    expect(log.stats).toMatchObject({ entries: 3, refused: 2 });
    hold.advance(1);
    await send("a", refused);
    expect(await positions()).toEqual([2, 3, 4]);
    hold.release();
    await send("c");
    expect(await positions()).toEqual([3, 4, 5]);
  });

  it("count what is on its way", async () => {
    await open({ maxEntries: 2 });
    log.hold(0);
    const all = ["a", "b", "c"].map(async (agent) =>
      log.onEvent({ agent, event: event(), attempt: 1, ...BY_SESSION }),
    );
    const outcomes = await settled(Promise.allSettled(all));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  });

  it("hold in bytes", async () => {
    await open({ maxBytesPerAgent: 2_000_000 });
    log.hold(0);
    const big = (): HawserEvent => event("r_1", { data: "x".repeat(900_000) });
    await send("a", big());
    await send("a", big());
    await expect(send("a", big())).rejects.toMatchObject({ code: "inbox_full" });
    await send("b", big());
  });

  it("let go of what is too old, unless a reader waits for it", async () => {
    await open({ maxAgeMs: 3_600_000 });
    await send("a");
    await world.advance(1_800_000);
    await send("a");
    await send("a");
    const hold = log.hold(1);
    await world.advance(1_900_000);
    expect(await positions()).toEqual([2, 3]);
    await world.advance(3_600_000);
    expect(await positions()).toEqual([2, 3]);
    hold.advance(2);
    await world.advance(60_000);
    expect(await positions()).toEqual([3]);
    expect(log.stats.missingThrough).toBe(2);
    hold.release();
    await world.advance(60_000);
    expect(await positions()).toEqual([]);
    expect(log.stats.missingThrough).toBe(3);
    await reopen();
    expect(log.stats).toMatchObject({ newest: 3, missingThrough: 3 });
    await send("a");
    expect(await positions()).toEqual([4]);
  });

  it.each([{ maxEntries: 0 }, { maxAgeMs: 1.5 }, { maxBytes: 1_000_000 }, { maxBytesPerAgent: -1 }])(
    "are refused when they make no sense: %j",
    (limits) => {
      expect(() => resolveEventLogLimits(limits)).toThrow(HawserError);
    },
  );
});

/** A disk that fails when it is told to. */
function faultyDisk(): Disk & { writesFail: boolean; readsFail: boolean } {
  const inner = disk.attach();
  const faulty = {
    writesFail: false,
    readsFail: false,
    explain: (thrown: unknown) => inner.explain(thrown),
    async open(): Promise<OpenDisk> {
      const opened = await inner.open();
      return {
        get: (keys) => opened.get(keys),
        range: (range) => opened.range(range),
        getEntries: (wanted) => opened.getEntries(wanted),
        hasEntries: (wanted) => opened.hasEntries(wanted),
        rangeEntries: async (range) => {
          if (faulty.readsFail) throw new HawserError("store_corrupt", "an entry is damaged");
          return opened.rangeEntries(range);
        },
        close: () => opened.close(),
        write: async (changes, sync) => {
          if (faulty.writesFail) throw new HawserError("store_unavailable", "the disk fails");
          await opened.write(changes, sync);
        },
      };
    },
  };
  return faulty;
}

it("misses nothing when its disk fails and comes back", async () => {
  const faulty = faultyDisk();
  await open({}, faulty);
  await send("a");
  faulty.writesFail = true;
  const refused = event();
  await expect(send("a", refused)).rejects.toMatchObject({ code: "store_unavailable" });
  faulty.writesFail = false;
  await world.advance(10_000);
  let told = 0;
  log.listen(() => void (told += 1));
  await send("a", refused);
  await send("b");
  expect(await positions()).toEqual([1, 2, 3]);
  expect(told).toBe(2);
});

it("takes nothing before it knows what it holds, and says why where that cannot be read", async () => {
  await open();
  await send("a");
  await send("b");
  await settled(log.stop());
  const faulty = faultyDisk();
  faulty.readsFail = true;
  const { runtime } = world;
  store = createDiskStore(faulty, { runtime });
  log = createEventLog({ store, runtime, limits: { maxEntries: 2 } });
  await settled(log.start());
  expect(log.stats).toMatchObject({ newest: 2, entries: 0, missingThrough: 0 });
  await world.advance(1);
  const refused = event();
  await expect(send("c", refused)).rejects.toMatchObject({ code: "store_corrupt" });
  faulty.readsFail = false;
  await world.advance(5_000);
  await send("c", refused);
  // It knew of both by then, and let go of the oldest.
  expect(await positions()).toEqual([2, 3]);
});

it("is looped over as far as it went when the loop began, through any filter", async () => {
  await open();
  for (let index = 0; index < 25; index += 1)
    await send(index % 3 === 0 ? "a" : "b", event("r_1", { type: index % 2 === 0 ? "even.x" : "odd.x" }));
  const collect = async (options: AllRecordedOptions): Promise<number[]> => {
    const all: number[] = [];
    for await (const { position } of log.all(options)) {
      all.push(position);
      if (all.length === 1) await log.onEvent({ agent: "a", event: event(), attempt: 1, ...BY_SESSION });
    }
    return all;
  };
  const filter = { agents: ["a"], types: ["even.x"], sources: [] };
  expect(await settled(collect({ pageSize: 4 }))).toEqual(
    Array.from({ length: 25 }, (_, index) => index + 1),
  );
  expect(await settled(collect({ after: 23, pageSize: 1 }))).toEqual([24, 25, 26]);
  expect(await settled(collect({ pageSize: 2, filter }))).toEqual([1, 7, 13, 19, 25]);
  const abort = new AbortController();
  const aborted = (async () => {
    for await (const { position } of log.all({ signal: abort.signal, pageSize: 10 }))
      if (position === 3) abort.abort();
  })();
  await expect(settled(aborted)).rejects.toMatchObject({ code: "aborted" });
  await expect(settled(collect({ pageSize: 0 }))).rejects.toMatchObject({ code: "invalid_config" });
});
