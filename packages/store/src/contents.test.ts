import { seededRandom } from "@hawser/runtime";
import { expect, it } from "vitest";
import { readContents } from "./contents.js";
import { changedRows } from "./disk.js";
import { createMemoryDisk } from "./memory-disk.js";

const random = seededRandom(3);

const contents = (format: string) =>
  changedRows(
    new Map([
      ["!format", format],
      ["!id", "one"],
      ["!commit", "7"],
    ]),
  );

it("takes the former format over, so that the version before leaves the store alone from then on", async () => {
  const disk = await createMemoryDisk().attach().open();
  await disk.write(contents("1"), true);
  expect(await readContents(disk, random)).toEqual({ id: "one", commit: 7 });
  expect(await disk.get(["!format", "!id", "!commit"])).toEqual(["2", "one", "7"]);
  expect(await readContents(disk, random)).toEqual({ id: "one", commit: 7 });
});

it("leaves alone what a later version wrote", async () => {
  const disk = await createMemoryDisk().attach().open();
  await disk.write(contents("3"), true);
  await expect(readContents(disk, random)).rejects.toMatchObject({
    code: "store_corrupt",
    message: expect.stringContaining('its format is "3" and this version reads "2"'),
  });
});
