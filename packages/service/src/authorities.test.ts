import { expect, it } from "vitest";
import { readAuthorities } from "./authorities.js";

const pem = (name: string): string => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;

const files: Record<string, string> = {
  "/a.pem": pem("a"),
  "/b.pem": pem("b"),
  "/empty.pem": "",
  "/etc/ssl/cert.pem": pem("system"),
};

function readFile(path: string): string {
  const text = files[path];
  if (text === undefined) throw new Error("ENOENT");
  return text;
}

it("reads several files, in their order", () => {
  expect(readAuthorities("/a.pem, /b.pem,", readFile)).toEqual([pem("a"), pem("b")]);
});

it("adds those of the system where the word says so", () => {
  const found = readAuthorities("system,/a.pem", readFile);
  expect(found.length).toBeGreaterThanOrEqual(2);
  expect(found.at(-1)).toBe(pem("a"));
  for (const text of found) expect(text).toContain("BEGIN CERTIFICATE");
});

it.each([
  ["/missing.pem", "/missing.pem cannot be read: ENOENT"],
  ["/a.pem,/empty.pem", "/empty.pem holds no certificate"],
])("%s is refused by name", (setting, message) => {
  expect(() => readAuthorities(setting, readFile)).toThrow(message);
});
