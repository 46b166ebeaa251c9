import { expect, it } from "vitest";
import { formatDuration, formatTable } from "./table.js";

it("aligns columns and leaves the last one as it is", () => {
  expect(
    formatTable(
      ["NAME", "STATE"],
      [
        ["edge-1", "ok"],
        ["e", "connected"],
      ],
    ),
  ).toBe("NAME    STATE\nedge-1  ok\ne       connected");
});

it.each([
  [0, "0s"],
  [59_999, "59s"],
  [60_000, "1m"],
  [3_600_000, "1h"],
  [5_400_000, "1h30m"],
  [172_800_000, "2d"],
])("says %d ms as %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
