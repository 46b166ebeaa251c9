import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { blocksOf, type Block } from "./markdown.js";
import { ROOT } from "./typescript-examples.js";

export const DOCS = join(ROOT, "docs");

/** One page of `docs/`. */
export interface Page {
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export async function readPages(): Promise<readonly Page[]> {
  const names = (await readdir(DOCS)).filter((name) => name.endsWith(".md")).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(DOCS, name), "utf8");
      return { name, text, blocks: blocksOf(text) };
    }),
  );
}
