import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isForTests } from "../check-dependencies.mjs";
import { BUNDLED_FILE } from "./bundled-packages.mjs";

const OUTPUTS = [".js.map", ".d.ts", ".js", ".tsbuildinfo"];

/**
 * Removes from a dist what no source makes any more: the compiler leaves it there, and it would be packed. The bundler begins with an empty one.
 *
 * @param {string} folder of a package
 */
export function pruneDist(folder) {
  const dist = join(folder, "dist");
  if (existsSync(join(dist, BUNDLED_FILE))) return;
  if (!existsSync(dist)) throw new Error(`${folder} is not built; 'npm run build' builds it`);
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const ending = OUTPUTS.find((output) => name.endsWith(output));
    if (ending === undefined) continue;
    const source = `${name.slice(0, -ending.length)}.ts`;
    if (isForTests(source) || !existsSync(join(folder, "src", source))) rmSync(join(dist, name));
  }
}
