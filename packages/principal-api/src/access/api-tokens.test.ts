import { describe, expect, it } from "vitest";
import { ApiTokens, weakTokenProblem } from "./api-tokens.js";

const FIRST = "first-token-of-this-api";
const SECOND = "second-token-of-this-api";

describe("the strength of a token", () => {
  it.each([
    ["x", "fewer than 16 characters"],
    ["fifteen-chars-1", "fewer than 16 characters"],
    ["aaaaaaaaaaaaaaaaaaaaaaaa", "different characters"],
    ["1234512345123451234512345", "different characters"],
    ["with space and enough", "printable ASCII"],
    ["größer-als-sechzehn", "printable ASCII"],
    ["", "printable ASCII"],
  ])("%j: %s", (token, problem) => {
    expect(weakTokenProblem(token)).toContain(problem);
    expect(() => new ApiTokens([{ token }])).toThrow(expect.objectContaining({ code: "invalid_config" }));
  });

  it("takes what a random number generator draws", () => {
    expect(weakTokenProblem("3f9d0a4be1c872650f")).toBeUndefined();
  });
});

describe("tokens that are replaced", () => {
  it("names who shows one by its name or fingerprint, never by the token", () => {
    const tokens = new ApiTokens([{ token: FIRST }, { token: SECOND, name: "deploys" }]);
    expect(tokens.callerOf(FIRST)?.name).toMatch(/^[0-9a-f]{8}$/);
    expect(tokens.callerOf(SECOND)?.name).toBe("deploys");
    expect(tokens.callerOf(`${FIRST}x`)).toBeUndefined();
  });

  it("ends what was opened with one that is gone, and nothing else", () => {
    const tokens = new ApiTokens([{ token: FIRST }, { token: SECOND }]);
    const [first, second] = [tokens.callerOf(FIRST)?.removed, tokens.callerOf(SECOND)?.removed];
    tokens.replace([{ token: SECOND }]);
    expect([first?.aborted, second?.aborted]).toEqual([true, false]);
    expect(tokens.callerOf(FIRST)).toBeUndefined();
    expect(tokens.callerOf(SECOND)?.removed).toBe(second);
  });

  it("keeps the old ones when the new ones are refused", () => {
    const tokens = new ApiTokens([{ token: FIRST }]);
    for (const refused of [[], [{ token: "x" }], [{ token: SECOND }, { token: "x" }]])
      expect(() => tokens.replace(refused)).toThrow();
    expect(tokens.callerOf(FIRST)?.removed.aborted).toBe(false);
    expect(tokens.callerOf(SECOND)).toBeUndefined();
  });
});
