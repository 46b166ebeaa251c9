import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
const section = /^## Where is it\?\n([^]*?)^## /m.exec(page)?.[1] ?? "";
const rows = [...section.matchAll(/^\| (.+\?) +\| `([^`]+)` +\| `([^`]+)` +\|$/gm)].map(
  ([, question, file = "", name]) => ({ question, file, name }),
);

test("CONTRIBUTING answers where each of these is", () => {
  expect(rows.length).toBeGreaterThanOrEqual(20);
});

test.each(rows)("$question", ({ file, name }) => {
  const code = readFileSync(join(root, file), "utf8");
  expect(code).toMatch(
    new RegExp(`^export (?:async )?(?:class|function|const|interface|type) ${name}\\b`, "m"),
  );
});

test("what has to be touched to add something is there", () => {
  const paths = [...section.matchAll(/^- \*\*[^]*?(?=^- |^$)/gm)]
    .flatMap(([item]) => [...item.matchAll(/`((?:apps|packages)\/[^`*]+)`/g)])
    .map(([, path = ""]) => path);
  expect(paths.length).toBeGreaterThanOrEqual(10);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
