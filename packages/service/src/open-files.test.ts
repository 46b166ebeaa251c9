import { expect, it } from "vitest";
import { openFilesLimit } from "./open-files.js";

const limits = (soft: string): string =>
  [
    "Limit                     Soft Limit           Hard Limit           Units     ",
    "Max processes             63432                63432                processes ",
    `Max open files            ${soft.padEnd(21)}524288               files     `,
    "Max locked memory         8388608              8388608              bytes     ",
  ].join("\n");

it("is the soft limit, as /proc tells it", () => {
  expect(openFilesLimit(() => limits("1024"))).toBe(1_024);
});

it("is not known where there is none, and where the system does not tell it", () => {
  expect(openFilesLimit(() => limits("unlimited"))).toBeUndefined();
  expect(
    openFilesLimit(() => {
      throw new Error("ENOENT");
    }),
  ).toBeUndefined();
});

it.runIf(process.platform === "linux")("is read of this very process", () => {
  expect(openFilesLimit()).toBeGreaterThan(0);
});
