import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pruneDist } from "./prune-dist.mjs";
import { run } from "./run.mjs";
import { ROOT } from "./workspace.mjs";

/**
 * Packs every package as pnpm would publish it.
 * @param {import("./workspace.mjs").Published[]} packages
 * @returns {Promise<Map<string, string>>} tarball by package
 * @param {string} destination
 */
export async function packAll(packages, destination) {
  mkdirSync(destination, { recursive: true });
  for (const { folder } of packages) pruneDist(folder);
  const filters = packages.flatMap(({ name }) => ["--filter", name]);
  const pnpm = join(ROOT, "node_modules", ".bin", "pnpm");
  await run(pnpm, [...filters, "pack", "--pack-destination", destination], { cwd: ROOT });
  return new Map(
    packages.map(({ name, manifest }) => {
      const file = `${name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
      return [name, join(destination, file)];
    }),
  );
}
