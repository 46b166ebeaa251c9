import { describe, expect, it } from "vitest";
import { checkPlatformWindows } from "./platform-windows.js";

const drain = {
  shape: "handover",
  leadMs: 5_000,
  windowMs: 20_000,
  answerWaitMs: 2_000,
  graceMs: 5_000,
} as const;

describe("checkPlatformWindows", () => {
  it("names the numbers", () => {
    expect(checkPlatformWindows({ drain, terminationGraceMs: 30_000 })).toEqual([
      "the drain takes 5 s + 20 s + 2 s + 5 s = 32 s at most, the pod's grace period is 30 s: raise terminationGracePeriodSeconds or shorten the drain",
    ]);
  });

  it.each(["terminationGraceMs", "stopTimeoutMs", "deregistrationDelayMs"])(
    "%s may be as long as the drain, not shorter",
    (limit) => {
      expect(checkPlatformWindows({ drain, [limit]: 32_000 })).toEqual([]);
      expect(checkPlatformWindows({ drain, [limit]: 31_999 })).toEqual([
        expect.stringContaining("= 32 s at most"),
      ]);
    },
  );

  it("a restart does not stay for the window", () => {
    expect(checkPlatformWindows({ drain: { ...drain, shape: "restart" }, stopTimeoutMs: 12_000 })).toEqual(
      [],
    );
    expect(
      checkPlatformWindows({ drain: { ...drain, shape: "restart" }, stopTimeoutMs: 11_999 }),
    ).toHaveLength(1);
  });

  it("an idle timeout has to be longer than the keep-alive", () => {
    expect(checkPlatformWindows({ drain, idleTimeoutMs: 20_001 })).toEqual([]);
    expect(checkPlatformWindows({ drain, idleTimeoutMs: 20_000 })).toEqual([
      expect.stringContaining("quiet for 20 s"),
    ]);
  });
});
