import { expect, test } from "vitest";
import { cutCloseReason, MAX_CLOSE_REASON_BYTES } from "./close-reason.js";

test.each([
  ["fits exactly", "x".repeat(MAX_CLOSE_REASON_BYTES), MAX_CLOSE_REASON_BYTES],
  ["one byte too long", "x".repeat(MAX_CLOSE_REASON_BYTES + 1), MAX_CLOSE_REASON_BYTES],
  ["two-byte characters: 61 of them fit", "ü".repeat(62), 122],
  ["three-byte characters end on the bound", "漢".repeat(42), 123],
  ["a four-byte character is not split", `${"x".repeat(121)}🚢`, 121],
  ["empty", "", 0],
])("%s", (_name, reason, bytes) => {
  const cut = cutCloseReason(reason);
  expect(Buffer.byteLength(cut)).toBe(bytes);
  expect(reason.startsWith(cut)).toBe(true);
});
