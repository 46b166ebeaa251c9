import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { neededPackages } from "../images/installed-packages.mjs";
import { publishedPackages, ROOT } from "./workspace.mjs";

/** What a program that embeds a principal installs, with the smallest transport and the default store. */
const EMBEDDED = ["@hawser/principal", "@hawser/transport-ws", "@hawser/store-journal"];
/** Each has to be read, kept up to date and trusted by whoever embeds it. */
const MAX_EMBEDDED = 25;

const ours = new Map(publishedPackages().map(({ name, folder }) => [name, folder]));

/** The packages of others that come with some of ours. The test runner is an optional peer of the compliance suites. @param {readonly string[]} names */
function foreignPackages(names) {
  const needed = neededPackages(
    names.flatMap((name) => ours.get(name) ?? []),
    { without: ["vitest"] },
  );
  return [...new Set([...needed.values()].map(({ name }) => name))].filter((name) => !ours.has(name));
}

test("whoever embeds a principal gets few packages of others, as many as its README says", () => {
  const found = foreignPackages(EMBEDDED);
  expect(found).toContain("ws");
  expect(found.length).toBeLessThanOrEqual(MAX_EMBEDDED);
  const readme = readFileSync(join(ROOT, "packages/principal/README.md"), "utf8");
  expect(/brings (\d+) packages of others/.exec(readme)?.[1], found.join(" ")).toBe(`${found.length}`);
});

test.each([
  ["@hawser/listener", ["hono", "zod", "prom-client", "cloudevents"]],
  ["@hawser/principal", ["hono", "zod", "prom-client", "cloudevents"]],
  ["@hawser/metrics", ["hono", "zod", "cloudevents"]],
  ["@hawser/principal-api", ["prom-client"]],
])("%s does not bring %j", (name, unwanted) => {
  expect(foreignPackages([name]).filter((each) => unwanted.includes(each))).toEqual([]);
});
