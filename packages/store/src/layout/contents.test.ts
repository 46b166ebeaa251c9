import { seededRandom } from "@hawser/runtime";
import { expect, it } from "vitest";
import { readContents } from "./contents.js";
import { changedRows } from "../disk/disk.js";
import { createMemoryDisk } from "../disk/memory-disk.js";

const random = seededRandom(3);

const contents = (format: string) =>
  changedRows(
    new Map([
      ["!format", format],
      ["!id", "one"],
      ["!commit", "7"],
    ]),
  );

it("reads what it wrote", async () => {
  const disk = await createMemoryDisk().attach().open();
  await disk.write(contents("2"), true);
  expect(await readContents(disk, random)).toEqual({ id: "one", commit: 7 });
});

it.each(["1", "3"])("leaves alone what another version wrote, in format %s", async (format) => {
  const disk = await createMemoryDisk().attach().open();
  await disk.write(contents(format), true);
  await expect(readContents(disk, random)).rejects.toMatchObject({
    code: "store_corrupt",
    message: expect.stringContaining(`its format is "${format}" and this version reads "2"`),
  });
  expect(await disk.get(["!format"])).toEqual([format]);
});
