import { describe, expect, it } from "vitest";
import { isForTests, unnamed } from "./check-dependencies.mjs";

describe("isForTests", () => {
  it.each(["a/b.test.ts", "b.test-support.ts", "testing/c.ts", "a/testing/c.ts", "a.test.tsx"])(
    "says so of %s",
    (path) => {
      expect(isForTests(path)).toBe(true);
    },
  );

  it.each(["a/b.ts", "latest.ts", "api/testing.ts"])("does not say so of %s", (path) => {
    expect(isForTests(path)).toBe(false);
  });
});

describe("unnamed", () => {
  it.each([
    'import { a } from "alpha";',
    'import type { A } from "alpha/sub";',
    'export * from "alpha";',
    'await import("alpha");',
    "require.resolve('alpha/package.json')",
  ])("knows %s", (text) => {
    expect(unnamed(["alpha"], [text])).toEqual([]);
  });

  it("finds what nothing names", () => {
    const sources = ['import "alphabet"; // alpha', 'import "@scope/alpha"; import "./alpha";'];
    expect(unnamed(["alpha", "@scope/alpha", "alphabet"], sources)).toEqual(["alpha"]);
  });
});
