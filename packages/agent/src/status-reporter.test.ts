import { HawserError } from "@hawser/protocol";
import { createMemoryDisk, createMemoryStore, type MemoryDisk, type Store } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { STATUS_RETRY_MS, StatusReporter } from "./status-reporter.js";

let virtual: VirtualRuntime;
let disk: MemoryDisk;
let store: Store;
let reporter: StatusReporter;

const resource = (version = "1", name = "a") => ({ kind: "Job", name, uid: "u", version });

beforeEach(async () => {
  virtual = createVirtualRuntime({ seed: 3 });
  disk = createMemoryDisk();
  store = createMemoryStore({ disk, runtime: virtual.runtime });
  await store.start();
  reporter = new StatusReporter({ agent: "one", runtime: virtual.runtime, store, source: "test" });
});

const lastVersion = async (): Promise<number> => (await store.stats("principal"))?.lastVersion ?? 0;

async function outcome(promise: Promise<void>): Promise<string> {
  let result = "pending";
  promise.then(
    () => (result = "done"),
    (thrown: unknown) => (result = HawserError.from(thrown).code),
  );
  await virtual.advance(0);
  return result;
}

describe("StatusReporter", () => {
  it("writes everything reported in one tick with one append, one event per resource", async () => {
    const appends: number[] = [];
    const counting: Store = Object.create(store, {
      append: {
        value: (batch: Parameters<Store["append"]>[0]) => {
          appends.push(batch.length);
          return store.append(batch);
        },
      },
    });
    reporter = new StatusReporter({
      agent: "one",
      runtime: virtual.runtime,
      store: counting,
      source: "test",
    });
    for (let index = 0; index < 300; index += 1) reporter.open(resource("1", `r${index}`)).write(index);
    await virtual.advance(1);
    expect(appends).toEqual([256, 44]);
  });

  it("writes what was said of a resource that is refused, and forgets it then", async () => {
    for (let index = 0; index < 50; index += 1) {
      const refused = resource("1", `r${index}`);
      const writer = reporter.open(refused);
      if (index % 2 === 0) writer.write(index);
      reporter.release(`Job/r${index}`);
      // It may not say more.
      writer.write("late");
    }
    expect(reporter.size).toBe(25);
    await virtual.advance(1);
    expect([reporter.size, await lastVersion()]).toEqual([0, 25]);
    reporter.release("Job/nobody");
    reporter.open(resource("2", "r0")).write("again");
    await virtual.advance(1);
    expect([reporter.size, await lastVersion()]).toEqual([1, 26]);
  });

  it("keeps the newest status while the disk is full, and writes it when there is room", async () => {
    disk.failWrites(new HawserError("store_full", "no space left"));
    const writer = reporter.open(resource());
    const first = writer.write(1);
    await virtual.advance(10 * STATUS_RETRY_MS);
    expect(await outcome(first.tried)).toBe("done");
    expect(await outcome(first.durable)).toBe("pending");
    const second = writer.write(2);
    disk.failWrites(undefined);
    await virtual.advance(10 * STATUS_RETRY_MS);
    expect([await outcome(first.durable), await outcome(second.durable)]).toEqual(["done", "done"]);
    const sent = await store.retained.get("principal", "sent", "Job/a");
    expect(sent?.event.data).toMatchObject({ status: 2 });
  });

  it("writes what is reported in the moment in which the one before became durable", async () => {
    const writer = reporter.open(resource());
    const report = async (status: number): Promise<void> => writer.write(status).durable;
    const handler = async (): Promise<void> => {
      for (const status of [1, 2, 3]) await report(status);
    };
    expect(await outcome(handler())).toBe("done");
    const sent = await store.retained.get("principal", "sent", "Job/a");
    expect(sent?.event.data).toMatchObject({ status: 3 });
  });

  it("tells whoever waits when it stops first, and takes nothing afterwards", async () => {
    disk.failWrites(new HawserError("store_full", "no space left"));
    const writer = reporter.open(resource());
    const { durable } = writer.write(1);
    await virtual.advance(STATUS_RETRY_MS);
    const stopped = reporter.stop();
    await virtual.advance(1);
    await stopped;
    expect(await outcome(durable)).toBe("aborted");
    expect(() => reporter.open(resource()).write(2)).toThrow("the agent stopped");
    await virtual.advance(10 * STATUS_RETRY_MS);
    expect(virtual.pendingTimers).toBeLessThanOrEqual(1);
  });

  it("writes what was reported last before it stops", async () => {
    const { durable } = reporter.open(resource()).write("bye");
    const stopped = reporter.stop();
    await virtual.advance(1);
    await stopped;
    expect(await outcome(durable)).toBe("done");
    expect(await lastVersion()).toBe(1);
  });

  it("writes nothing of a closed resource, and answers whoever waits", async () => {
    const writer = reporter.open(resource());
    const { durable } = writer.write(1);
    await reporter.close("Job/a");
    expect(await outcome(durable)).toBe("done");
    writer.write(2);
    await virtual.advance(10);
    expect(await lastVersion()).toBe(0);
  });

  it("writes a report that came while it stops beside no other write", async () => {
    const writer = reporter.open(resource());
    const first = writer.write(1);
    await virtual.advance(0);
    const second = writer.write(2);
    const stopped = reporter.stop();
    const third = reporter.open(resource("1", "b")).write(3);
    await virtual.advance(1);
    await stopped;
    for (const { durable } of [first, second, third]) expect(await outcome(durable)).toBe("done");
    expect(await lastVersion()).toBe(3);
  });

  it("waits for a write that is under way before it calls a resource closed", async () => {
    let finish: () => void = () => {};
    const slow: Store = Object.create(store, {
      append: {
        value: async (batch: Parameters<Store["append"]>[0]) => {
          await new Promise<void>((resolve) => (finish = resolve));
          return store.append(batch);
        },
      },
    });
    reporter = new StatusReporter({ agent: "one", runtime: virtual.runtime, store: slow, source: "test" });
    reporter.open(resource()).write(1);
    await virtual.advance(1);
    const closed = reporter.close("Job/a");
    expect(await outcome(closed)).toBe("pending");
    finish();
    await virtual.advance(1);
    expect(await outcome(closed)).toBe("done");
    expect(await lastVersion()).toBe(1);
  });
});
