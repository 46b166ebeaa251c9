import { expect, test } from "vitest";
import { checkAgentName, isAgentName } from "./agent-name.js";
import { hawserError } from "./testing/expect-error.js";

test.each(["a", "7", "web-1.eu", "a".repeat(128)])("%s is a name", (name) => {
  expect(isAgentName(name)).toBe(true);
  expect(checkAgentName(name)).toBe(name);
});

test.each([
  [undefined, "must be a string"],
  [7, "must be a string"],
  ["", "must not be empty"],
  ["a".repeat(129), "has 129 characters; shorten it to 128"],
  ["Web", "write it in lower case"],
  ["web_1", 'contains "_"'],
  ["web 1", 'contains " "'],
  ["wéb", 'contains "é"'],
  ["../etc", 'contains "/"'],
  ["-web", "must begin and end with a letter or a digit"],
  ["web.", "must begin and end with a letter or a digit"],
])("%j is none, and the error says what to change", (name, problem) => {
  expect(isAgentName(name)).toBe(false);
  expect(() => checkAgentName(name)).toThrow(hawserError("invalid_agent_name", problem));
});
