import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isPermissive, licenceOf } from "./licences.mjs";
import { parsePlatform } from "./native-modules.mjs";

const LAY_OUT = fileURLToPath(new URL("../lay-out-images.mjs", import.meta.url));
const X64 = 62;
const ARM64 = 183;
/** Where pnpm puts a package of which others are users. */
const STORED = "node_modules/.pnpm";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-images-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The head of a shared library. @param {number} machine */
function elf(machine) {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32BE(0x7f454c46, 0);
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

/** @param {string} path @param {string | Uint8Array} content */
function write(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** @param {string} name */
function manifest(name, more = {}) {
  return JSON.stringify({ name, version: "1.0.0", license: "MIT", ...more });
}

/** An app on a package with native code, which is a user of a second. @param {string} out */
function writeApp(out, { knot = {}, files = {} } = {}) {
  const app = join(out, "boat", "app");
  const home = join(app, STORED, "knot@1.0.0/node_modules");
  write(join(app, "package.json"), manifest("boat", { license: "Apache-2.0", dependencies: { knot: "^1" } }));
  write(join(app, "bin/boat.js"), "");
  write(join(home, "knot/package.json"), manifest("knot", { dependencies: { "@rope/twine": "1" }, ...knot }));
  for (const [name, machine] of Object.entries({ "linux-x64": X64, "linux-arm64": ARM64 }))
    write(join(home, "knot/prebuilds", name, "knot.node"), elf(machine));
  write(
    join(app, STORED, "@rope+twine@1.0.0/node_modules/@rope/twine/package.json"),
    manifest("@rope/twine"),
  );
  mkdirSync(join(home, "@rope"));
  symlinkSync("../../../@rope+twine@1.0.0/node_modules/@rope/twine", join(home, "@rope/twine"));
  symlinkSync(".pnpm/knot@1.0.0/node_modules/knot", join(app, "node_modules/knot"));
  for (const [path, content] of Object.entries(files)) write(join(app, path), content);
  return app;
}

/** @param {string} out @param {string[]} args */
function layOut(out, ...args) {
  return spawnSync(process.execPath, [LAY_OUT, out, ...args], { encoding: "utf8" });
}

/** @param {string} out */
function contentOf(out) {
  return execFileSync("tar", ["--sort=name", "--numeric-owner", "-C", out, "-cf", "-", "."]).toString(
    "base64",
  );
}

describe("laid out for an image", () => {
  it.each([
    ["linux/amd64", "linux-x64"],
    ["linux/arm64", "linux-arm64"],
  ])("%s keeps the native code of %s alone", (platform, kept) => {
    const app = writeApp(folder);
    expect(layOut(folder, "--platform", platform)).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(join(app, "node_modules/knot/prebuilds"))).toEqual([kept]);
  });

  it("native code for another machine than its folder says is refused", () => {
    writeApp(folder, {
      files: { [`${STORED}/knot@1.0.0/node_modules/knot/prebuilds/linux-x64/knot.node`]: elf(ARM64) },
    });
    const { status, stderr } = layOut(folder);
    expect(status).toBe(1);
    expect(stderr).toContain("knot.node: is for ELF machine 183, not 62 (x64)");
  });

  it("a native package that has nothing for the platform is refused", () => {
    const app = writeApp(folder);
    rmSync(join(app, "node_modules/knot/prebuilds/linux-arm64"), { recursive: true });
    const { status, stderr } = layOut(folder, "--platform", "linux/arm64");
    expect(status).toBe(1);
    expect(stderr).toContain("prebuilds: nothing is prebuilt for linux-arm64");
  });

  it("what Node never reads is gone, and the words of licences stay", () => {
    const knot = `${STORED}/knot@1.0.0/node_modules/knot`;
    const app = writeApp(folder, {
      knot: { exports: { ".": "./index.js", "./examples": "./examples/index.js" } },
      files: {
        "node_modules/.modules.yaml": "prunedAt: now",
        "node_modules/.bin/knot": "",
        [`${knot}/index.js`]: "",
        [`${knot}/index.d.ts`]: "",
        [`${knot}/index.js.map`]: "",
        [`${knot}/README.md`]: "",
        [`${knot}/LICENSE.md`]: "",
        [`${knot}/test/index.js`]: "",
        [`${knot}/lib/test/index.js`]: "",
        [`${knot}/examples/index.js`]: "",
        [`${knot}/deps/level/level.cc`]: "",
        [`${knot}/deps/level/COPYING`]: "",
      },
    });
    symlinkSync("/nowhere", join(app, STORED, "dangling"));
    expect(layOut(folder)).toMatchObject({ status: 0, stderr: "" });
    const left = readdirSync(join(app, "node_modules/knot"), { recursive: true });
    const files = left.map(String).filter((name) => statSync(join(app, "node_modules/knot", name)).isFile());
    expect(new Set(files)).toEqual(
      new Set([
        "LICENSE.md",
        "deps/level/COPYING",
        "examples/index.js",
        "index.js",
        "lib/test/index.js",
        "package.json",
        "prebuilds/linux-x64/knot.node",
      ]),
    );
    expect(readdirSync(join(app, "node_modules")).sort()).toEqual([".pnpm", "knot"]);
    expect(readdirSync(join(app, STORED)).sort()).toEqual(["@rope+twine@1.0.0", "knot@1.0.0"]);
  });

  it("the same content is the same bytes, whenever and under whatever umask it was made", () => {
    const [one, other] = [join(folder, "one"), join(folder, "other")];
    writeApp(one);
    const umask = process.umask(0o077);
    const app = writeApp(other);
    process.umask(umask);
    rmSync(join(app, "bin"), { recursive: true });
    write(join(app, "bin/boat.js"), "");
    for (const out of [one, other]) expect(layOut(out, "--epoch", "1700000000").status).toBe(0);
    // What holds them is not part of a layer.
    expect(contentOf(join(one, "boat"))).toBe(contentOf(join(other, "boat")));
    expect(statSync(join(other, "boat/sbom")).mtimeMs).toBe(1_700_000_000_000);
  });

  it("a licence that is not permissive is refused", () => {
    writeApp(folder, { knot: { license: "GPL-3.0-only" } });
    const { status, stderr } = layOut(folder);
    expect(status).toBe(1);
    expect(stderr).toContain("knot@1.0.0: 'GPL-3.0-only' is not known to be permissive");
  });
});

describe("the SBOM", () => {
  const read = () => readFileSync(join(folder, "boat/sbom/hawser-boat.cdx.json"), "utf8");
  /** @returns {{ metadata: { component: object }, components: { name: string, purl: string }[], dependencies: object[], serialNumber: string }} */
  const parsed = () => JSON.parse(read());

  it("names every package and who needs it, and is valid CycloneDX", async () => {
    writeApp(folder);
    expect(layOut(folder)).toMatchObject({ status: 0, stderr: "" });
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(read())).toBe(null);
    const { metadata, components, dependencies, serialNumber } = parsed();
    expect(metadata.component).toMatchObject({ type: "application", purl: "pkg:npm/boat@1.0.0" });
    expect(components.map(({ purl }) => purl).sort()).toEqual([
      "pkg:npm/%40rope/twine@1.0.0",
      "pkg:npm/knot@1.0.0",
    ]);
    expect(dependencies).toEqual(
      expect.arrayContaining([
        { ref: "pkg:npm/boat@1.0.0", dependsOn: ["pkg:npm/knot@1.0.0"] },
        { ref: "pkg:npm/knot@1.0.0", dependsOn: ["pkg:npm/%40rope/twine@1.0.0"] },
      ]),
    );
    expect(serialNumber).toMatch(/^urn:uuid:/);
  });

  it("names what is in a bundle, once, and that the package with the bundle holds it", () => {
    const bundled = [
      { name: "splice", version: "2.0.0", license: "ISC" },
      { name: "knot", version: "1.0.0" },
    ];
    writeApp(folder, { files: { "dist/bundled-packages.json": JSON.stringify(bundled) } });
    expect(layOut(folder)).toMatchObject({ status: 0, stderr: "" });
    const { components, dependencies } = parsed();
    expect(components.filter(({ name }) => name === "knot")).toHaveLength(1);
    expect(components.find(({ name }) => name === "splice")).toMatchObject({
      licenses: [{ license: { id: "ISC" } }],
    });
    expect(dependencies).toContainEqual({
      ref: "pkg:npm/boat@1.0.0",
      dependsOn: ["pkg:npm/knot@1.0.0", "pkg:npm/splice@2.0.0"],
    });
  });

  it("a package that nothing needs is refused: it would be a development dependency, or a leftover", () => {
    writeApp(folder, {
      files: { [`${STORED}/stray@1.0.0/node_modules/stray/package.json`]: manifest("stray") },
    });
    const { status, stderr } = layOut(folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(/boat does not need \S+stray, and 0 more/);
  });

  it("a package that is needed and not there is refused", () => {
    writeApp(folder, { knot: { dependencies: { absent: "1" } } });
    const { status, stderr } = layOut(folder);
    expect(status).toBe(1);
    expect(stderr).toMatch(/knot needs absent, which is not installed/);
  });
});

describe("licences", () => {
  it.each([
    ["MIT", true],
    ["(MIT OR GPL-3.0-only)", true],
    ["(Apache-2.0 AND BSD-3-Clause)", true],
    ["(MIT AND GPL-3.0-only)", false],
    ["MPL-2.0", false],
    ["SEE LICENSE IN LICENSE.md", false],
    [undefined, false],
  ])("%s: %s", (licence, permissive) => {
    expect(isPermissive(licence)).toBe(permissive);
  });

  it("are read in the two forms of old as well", () => {
    expect(licenceOf({ license: { type: "ISC" } })).toBe("ISC");
    expect(licenceOf({ licenses: [{ type: "MIT" }, { type: "Apache-2.0" }] })).toBe("(MIT OR Apache-2.0)");
    expect(licenceOf({})).toBe(undefined);
    expect(licenceOf({ license: "" })).toBe(undefined);
  });
});

it("a platform that there are no images for is refused", () => {
  expect(() => parsePlatform("linux/s390x")).toThrow("'linux/s390x' is none of linux/amd64, linux/arm64");
  expect(() => parsePlatform("windows/amd64")).toThrow("is none of");
  expect(() => parsePlatform("linux/arm64/v8")).toThrow("is none of");
});
