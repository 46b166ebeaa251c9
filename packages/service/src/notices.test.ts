import { expect, it } from "vitest";
import { repeatNotices, type ServiceNotice } from "./notices.js";
import { steppedRuntime } from "./testing/stepped-runtime.js";

const DAY_MS = 86_400_000;

it("says once a day what is so then", () => {
  const { runtime, lines, pass } = steppedRuntime();
  let notices: readonly ServiceNotice[] = [];
  repeatNotices(() => notices, runtime);
  pass(DAY_MS);
  expect(lines).toEqual([]);
  notices = [{ detail: "it ends in 13 days", fix: "renew it" }];
  pass(DAY_MS - 1);
  expect(lines).toEqual([]);
  pass(1 + 2 * DAY_MS);
  expect(lines.map(({ level, msg, fix }) => ({ level, msg, fix }))).toEqual(
    Array.from({ length: 3 }, () => ({ level: "warn", msg: "it ends in 13 days", fix: "renew it" })),
  );
});
