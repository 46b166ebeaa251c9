import { HawserError } from "@hawser/protocol";
import { describe, expect, it, vi } from "vitest";
import { allOf, type PageRequest } from "./all-of.js";

/** A list of numbers in order, which may change while it is read. */
function list(items: number[]) {
  const read = vi.fn(async ({ after = 0, limit }: PageRequest<number>) =>
    items.filter((item) => item > after).slice(0, limit),
  );
  return { items, read, keyOf: (item: number) => item };
}

async function collect<T>(loop: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of loop) all.push(item);
  return all;
}

describe("all of a list", () => {
  it.each([0, 1, 2, 3, 4, 7])("tells each of %d items once, in order", async (count) => {
    const items = Array.from({ length: count }, (_, index) => index + 1);
    expect(await collect(allOf(list(items), { pageSize: 2 }))).toEqual(items);
  });

  it("reads a page when it is asked for it, and none after it was left", async () => {
    const { read, keyOf } = list([1, 2, 3, 4, 5, 6]);
    for await (const item of allOf({ read, keyOf }, { pageSize: 2 })) {
      expect(read).toHaveBeenCalledTimes(Math.ceil(item / 2));
      if (item === 3) break;
    }
    expect(read.mock.calls.map(([{ after, limit }]) => [after, limit])).toEqual([
      [undefined, 2],
      [2, 2],
    ]);
  });

  it("neither doubles nor skips what is there all the time", async () => {
    const paged = list([10, 20, 30, 40, 50]);
    const seen: number[] = [];
    for await (const item of allOf(paged, { pageSize: 2 })) {
      seen.push(item);
      // One before what is told goes, and one comes; the last that was told goes as well.
      if (item === 20) paged.items.splice(0, 2, 5, 15);
      if (item === 30) paged.items.push(60);
    }
    expect(seen).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it("ends with what a page throws, in the loop", async () => {
    const paged = list([1, 2, 3]);
    paged.read.mockImplementationOnce(async () => [1, 2]);
    paged.read.mockImplementationOnce(() => Promise.reject(new HawserError("store_unavailable", "no disk")));
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of allOf(paged, { pageSize: 2 })) seen.push(item);
    })();
    await expect(reading).rejects.toMatchObject({ code: "store_unavailable" });
    expect(seen).toEqual([1, 2]);
  });

  it("ends with aborted, and no list that looks whole, when its signal fires", async () => {
    const abort = new AbortController();
    const paged = list([1, 2, 3]);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of allOf(paged, { signal: abort.signal, pageSize: 3 })) {
        seen.push(item);
        if (item === 2) abort.abort("enough");
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    expect(seen).toEqual([1, 2]);
    const before = collect(allOf(paged, { signal: abort.signal }));
    await expect(before).rejects.toMatchObject({ code: "aborted" });
    expect(paged.read).toHaveBeenCalledTimes(1);
    expect(paged.read.mock.calls[0]?.[0].signal).toBe(abort.signal);
  });

  it.each([0, 1.5, 1_001, Number.NaN])("refuses pages of %d", async (pageSize) => {
    await expect(collect(allOf(list([1]), { pageSize }))).rejects.toMatchObject({ code: "invalid_config" });
  });
});
