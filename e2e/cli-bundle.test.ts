import { readFile } from "node:fs/promises";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { PROGRAMS } from "./support/programs.js";

const dist = join(dirname(PROGRAMS.cli), "..", "dist");
const read = (file: string): Promise<string> => readFile(join(dist, file), "utf8");

async function mapOf(file: string): Promise<SourceMapPayload> {
  return JSON.parse(await read(`${file}.map`)) as SourceMapPayload;
}

/** What the bundler puts in front by itself has no sources. */
async function sourcesOf(file: string): Promise<readonly string[]> {
  return file === "rolldown-runtime.js" ? [] : (await mapOf(file)).sources;
}

/** The chunks that are read whatever the command line says. */
async function readAtStart(file: string, found = new Set<string>()): Promise<ReadonlySet<string>> {
  if (found.has(file)) return found;
  found.add(file);
  const imports = (await read(file)).matchAll(/^(?:import|export)\b[^;]*?"\.\/([^"]+)";$/gm);
  for (const [, imported = ""] of imports) await readAtStart(imported, found);
  return found;
}

it("a start reads what is in front of all commands, and none of them", async () => {
  const chunks = [...(await readAtStart("main.js"))];
  expect(chunks.length).toBeGreaterThan(3);
  const sources = (await Promise.all(chunks.map(sourcesOf))).flat();
  expect(sources).toContainEqual(expect.stringMatching(/src\/program\.ts$/));
  expect(sources.filter((source) => /src\/commands\/(?!registry\.ts$)/.test(source))).toEqual([]);
  const others = sources.flatMap((source) => /.*\/node_modules\/([^/]+)\//.exec(source)?.[1] ?? []);
  expect([...new Set(others)]).toEqual(["commander"]);
});

it("its source maps lead to the sources, which they hold", async () => {
  const lines = (await read("main.js")).split("\n");
  const line = lines.findIndex((text) => text.startsWith("async function run("));
  const map = await mapOf("main.js");
  const found = new SourceMap(map).findEntry(line, "async function ".length);
  if (!("originalSource" in found)) throw new Error("the map knows nothing of that place");
  expect(found.originalSource).toMatch(/src\/program\.ts$/);
  const source = map.sourcesContent[map.sources.indexOf(found.originalSource)] ?? "";
  expect(source.split("\n")[found.originalLine]).toContain("export async function run(");
});

it("passes on the licences of what it holds", async () => {
  const bundled = JSON.parse(await read("bundled-packages.json")) as { name: string; version: string }[];
  expect(bundled.map(({ name }) => name)).toEqual(["commander", "diff", "yaml", "zod"]);
  const notices = await read("THIRD-PARTY-NOTICES.txt");
  for (const { name, version } of bundled) expect(notices).toContain(`${name} ${version} (`);
  expect(notices.match(/Copyright/g)?.length).toBeGreaterThanOrEqual(bundled.length);
});
