import { expect, it } from "vitest";
import { parseGatewayHeaders } from "./gateway-headers.js";

it("takes a header a line, and nothing of comments", () => {
  const content = "# for the gateway\n\nCF-Access-Client-Id: abc.access\r\nx-token:  a: b \n";
  expect(parseGatewayHeaders(content, "headers")).toEqual({
    "cf-access-client-id": "abc.access",
    "x-token": "a: b",
  });
});

it.each([
  ["secret-value", "headers:1: a line is"],
  ["a: 1\nb c: secret-value", "headers:2: a line is"],
  ["a: secret-value\nA: 2", "headers:2: A is there twice"],
  ["a:", "headers:1: a line is"],
  ["a: 1\nTE: secret-value", "headers:2: the header TE cannot be"],
  ["a-bin: secret-value", "headers:1: the header a-bin cannot be"],
  ["a: secret-value \u00e9", "headers:1: the value of the header a must be printable ASCII"],
  [Array.from({ length: 33 }, (_, n) => `h${n}: secret-value`).join("\n"), "more than 32 headers"],
])("refuses %j by its place, without its value", (content, message) => {
  const parse = (): unknown => parseGatewayHeaders(content, "headers");
  expect(parse).toThrow(message);
  expect(parse).not.toThrow(/secret-value/);
});
