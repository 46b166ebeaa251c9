import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const home = dirname(createRequire(import.meta.url).resolve("@hawser/protocol/package.json"));
const document = readFileSync(join(home, "PROTOCOL.md"), "utf8");

/** The rows of the first table of a section of PROTOCOL.md, cell by cell, without the code marks. */
export function tableOf(section: string): readonly (readonly string[])[] {
  const [, text] = document.split(`\n## ${section}\n`);
  if (text === undefined) throw new Error(`PROTOCOL.md has no section ${section}`);
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}
