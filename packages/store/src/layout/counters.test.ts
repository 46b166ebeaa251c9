import { expect, it } from "vitest";
import { decodeInboxMeta, decodeMailboxMeta, newInboxMeta, newMailboxMeta } from "./counters.js";

it("reads rows of before stores counted what they told each other, and knows nothing of it then", () => {
  const mailbox = { ...newMailboxMeta(), lastVersion: 7, pending: 1, bytes: 90, epoch: 3, peerStore: "s 1" };
  expect(decodeMailboxMeta("7 1 0 90 3 0 0 s 1", "m")).toEqual(mailbox);
  expect(decodeMailboxMeta("0 0 0 0 0 0 0 ", "m")).toEqual(newMailboxMeta());
  const told = { ...newMailboxMeta(), lastVersion: 9, keyFirst: 2, keyNext: 5, keyCount: 5, base: 3 };
  expect(decodeMailboxMeta("9 0 0 0 0 2 5 \u00000 0 0 3 ", "m")).toEqual(told);
  expect(decodeInboxMeta("5 2 ", "n")).toEqual({ ...newInboxMeta(), settled: 5, incarnation: 2 });
});

it("says which row no store can have written", () => {
  expect(() => decodeMailboxMeta("7 1 0 90 3 0 0 s\u00001 2", "m")).toThrow('the row "m"');
  expect(() => decodeInboxMeta("5 2 1 x 3 ", "n")).toThrow('the row "n"');
});
