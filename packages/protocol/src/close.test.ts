import { describe, expect, test } from "vitest";
import { CLOSE_CODES, isCleanClose } from "./close-codes.js";
import { CLOSE_EVENT_TYPE, encodeClose, parseClose } from "./close-event.js";
import { ERROR_CODES } from "./errors.js";
import {
  CLOSE_CODE_BY_GRPC_STATUS,
  closeCodeFor,
  errorCodeForClose,
  GRPC_STATUS_BY_CLOSE_CODE,
} from "./close-mapping.js";
import { LIMITS } from "./limits.js";
import { hawserError } from "./testing/expect-error.js";
import { closeReason } from "./text.js";

describe("close codes", () => {
  test.each(ERROR_CODES)("no error closes cleanly, or an agent would come back at once: %s", (code) => {
    expect(isCleanClose(closeCodeFor(code))).toBe(false);
  });

  test.each(Object.values(CLOSE_CODES))("%d means the same in both directions", (code) => {
    const error = errorCodeForClose(code);
    if (isCleanClose(code)) expect(error).toBeUndefined();
    else if (code === CLOSE_CODES.policyViolation) expect(error).toBe("forbidden");
    else expect(error && closeCodeFor(error)).toBe(code);
  });

  test("a code this protocol does not name means nothing in particular", () => {
    for (const code of [0, 1005, 1006, 1015, 3000, 4999, Number.NaN])
      expect(errorCodeForClose(code)).toBeUndefined();
  });
});

describe("gRPC", () => {
  test("status OK is a clean close and nothing else is", () => {
    for (const code of Object.values(CLOSE_CODES)) {
      expect(GRPC_STATUS_BY_CLOSE_CODE[code] === 0).toBe(isCleanClose(code));
    }
  });

  test("a status that came without a trailer still tells credentials from a lost connection", () => {
    expect(CLOSE_CODE_BY_GRPC_STATUS[GRPC_STATUS_BY_CLOSE_CODE[CLOSE_CODES.unauthenticated]]).toBe(4003);
    expect(CLOSE_CODE_BY_GRPC_STATUS[GRPC_STATUS_BY_CLOSE_CODE[CLOSE_CODES.forbidden]]).toBe(4004);
    expect(CLOSE_CODE_BY_GRPC_STATUS[14]).toBeUndefined();
  });

  test("the close event of a client survives", () => {
    const event = encodeClose({ code: 4001, reason: "silence" }, { id: "1", source: "/a" });
    expect(event).toMatchObject({ type: CLOSE_EVENT_TYPE, id: "1", source: "/a" });
    expect(parseClose(event)).toEqual({ code: 4001, reason: "silence" });
  });

  test.each([
    undefined,
    null,
    [],
    { code: 999, reason: "" },
    { code: 5000, reason: "" },
    { code: "1000", reason: "" },
    { code: 1000 },
  ])("a close event of %j is refused", (data) => {
    const event = { specversion: "1.0", id: "1", source: "/a", type: CLOSE_EVENT_TYPE } as const;
    expect(() => parseClose(data === undefined ? event : { ...event, data })).toThrow(
      hawserError("invalid_message"),
    );
  });
});

test("a close reason fits the frame, whatever it is written in", () => {
  expect(closeReason("x".repeat(LIMITS.maxReasonLength))).toHaveLength(LIMITS.maxReasonLength);
  expect(closeReason("x".repeat(LIMITS.maxReasonLength + 1))).toHaveLength(LIMITS.maxReasonLength);
  expect(closeReason("é".repeat(61))).toBe("é".repeat(60));
  expect(closeReason("😀".repeat(40))).toBe("😀".repeat(30));
  expect(Buffer.byteLength(closeReason(`x${"😀".repeat(40)}`))).toBe(117);
});
