import { ERROR_CODES } from "@hawser/protocol";
import { expect, it } from "vitest";
import { EXPLANATIONS } from "./explanations.js";

it("every code is explained, and nothing that is no code", () => {
  expect(Object.keys(EXPLANATIONS).sort()).toEqual([...ERROR_CODES].sort());
});

it.each(Object.entries(EXPLANATIONS))("%s says what happened and what to do", (_code, { happened, todo }) => {
  for (const text of [happened, todo]) expect(text).toMatch(/^[A-Z'].{10,}[.\w]$/s);
});
