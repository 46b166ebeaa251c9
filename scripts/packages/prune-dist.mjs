import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BUNDLED_FILE } from "./bundled-packages.mjs";
import { readJson } from "./workspace.mjs";

const OUTPUTS = [".js.map", ".d.ts", ".js"];

/** Removes from a dist what no source makes any more: the compiler leaves it there, and it would be packed. The bundler begins with an empty one. */
export function pruneDist(folder) {
  const dist = join(folder, "dist");
  if (existsSync(join(dist, BUNDLED_FILE))) return;
  const state = join(dist, ".tsbuildinfo");
  if (!existsSync(state)) throw new Error(`${folder} is not built; 'npm run build' builds it`);
  const made = new Set(
    readJson(state)
      .fileNames.filter((name) => name.startsWith("../src/"))
      .map((name) => name.slice("../src/".length).replace(/\.ts$/, "")),
  );
  for (const name of readdirSync(dist, { recursive: true })) {
    const ending = OUTPUTS.find((output) => name.endsWith(output));
    if (ending !== undefined && !made.has(name.slice(0, -ending.length))) rmSync(join(dist, name));
  }
}
