import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, expect, it } from "vitest";
import { noticesOfBundle } from "./bundled-packages.mjs";
import { ROOT } from "./workspace.mjs";

const { rolldown } = await import(
  pathToFileURL(createRequire(join(ROOT, "apps/cli/package.json")).resolve("rolldown")).href
);

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-bundle-"));
  return () => rmSync(folder, { recursive: true, force: true });
});

/** @param {string} path @param {string | Uint8Array} content */
function write(path, content) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** @param {string} name @param {{ license?: string, files?: Record<string, string> }} [has] */
function writePackage(name, { license = "MIT", files = { LICENSE: `Words of ${name}.` } } = {}) {
  const home = join("node_modules", name);
  const manifest = {
    name,
    version: "1.2.3",
    license,
    type: "module",
    sideEffects: false,
    exports: "./lib/index.js",
  };
  write(join(home, "package.json"), JSON.stringify(manifest));
  // As packages have them that hold files of two kinds.
  write(join(home, "lib/package.json"), `{ "type": "module" }`);
  write(join(home, "lib/index.js"), `export const ${name} = () => "${name}";\n`);
  for (const [file, content] of Object.entries(files)) write(join(home, file), content);
}

async function bundle() {
  const build = await rolldown({
    cwd: folder,
    input: "main.js",
    platform: "node",
    plugins: [noticesOfBundle()],
  });
  await build.write({ dir: join(folder, "dist") });
  return {
    bundled: JSON.parse(readFileSync(join(folder, "dist/bundled-packages.json"), "utf8")),
    notices: readFileSync(join(folder, "dist/THIRD-PARTY-NOTICES.txt"), "utf8"),
  };
}

it("passes on the licences of the packages whose code is in the bundle, and of no others", async () => {
  writePackage("knot", { files: { "LICENCE.md": "Words of knot.", NOTICE: "Made by knotters." } });
  writePackage("unused");
  write("main.js", `import { knot } from "knot";\nimport { unused } from "unused";\nconsole.log(knot());\n`);
  const { bundled, notices } = await bundle();
  expect(bundled).toEqual([{ name: "knot", version: "1.2.3", license: "MIT" }]);
  expect(notices).toBe("knot 1.2.3 (MIT)\n\nWords of knot.\n\nMade by knotters.\n");
});

it("fails where a licence is not permissive, or its text is not there", async () => {
  writePackage("knot", { license: "GPL-3.0-only" });
  write("main.js", `import { knot } from "knot";\nconsole.log(knot());\n`);
  await expect(bundle()).rejects.toThrow("knot@1.2.3: 'GPL-3.0-only' is not known to be permissive");
  writePackage("rope", { files: {} });
  write("main.js", `import { rope } from "rope";\nconsole.log(rope());\n`);
  await expect(bundle()).rejects.toThrow("rope@1.2.3 ships no text of its licence");
});
