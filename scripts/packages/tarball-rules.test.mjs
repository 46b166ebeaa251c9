import { describe, expect, it } from "vitest";
import { tarballComplaints } from "./tarball-rules.mjs";

const MANIFEST = {
  name: "@hawser/knot",
  version: "1.2.3",
  license: "Apache-2.0",
  type: "module",
  sideEffects: false,
  engines: { node: ">=20.20" },
  exports: {
    ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./package.json": "./package.json",
  },
  dependencies: { "@hawser/rope": "1.2.3" },
  publishConfig: { access: "public", provenance: true },
};

const FILES = {
  LICENSE: "as is",
  "README.md":
    "# @hawser/knot\n\n[Spec](SPEC.md#knots), [here](#here), [site](https://knots.example/a.md)\n\n```md\n[no link](a.md)\n```\n",
  "SPEC.md": "[above](#knots) and [`itself`](./SPEC.md), named by `[a-z]([a-z-]*[a-z])?`",
  "dist/index.js": 'import "node:net"; import "@hawser/rope/fibre"; export * from "./knot.js";',
  "dist/index.js.map": '{"sourcesContent":[""]}',
  "dist/index.d.ts": 'export type Rope = import("@hawser/rope").Rope;',
  "dist/knot.js": "export const knot = 1;",
};

/** The complaints about a good tarball to which these things were done; a file that is undefined is left out. */
function complaintsAbout({ manifest = {}, files = {} }) {
  const contents = Object.entries({
    ...FILES,
    "package.json": JSON.stringify({ ...MANIFEST, ...manifest }),
    ...files,
  });
  return tarballComplaints(new Map(contents.filter(([, text]) => text !== undefined)));
}

describe("the rules for tarballs", () => {
  it("a good one has no complaints", () => {
    expect(complaintsAbout({})).toEqual([]);
  });

  it.each([
    ["has no LICENSE", { files: { LICENSE: undefined } }],
    ["has no README.md", { files: { "README.md": undefined } }],
    ["ships dist/.tsbuildinfo", { files: { "dist/.tsbuildinfo": "{}" } }],
    ["ships dist/knot.test.js", { files: { "dist/knot.test.js": "" } }],
    ["ships dist/knot.test-support.d.ts", { files: { "dist/knot.test-support.d.ts": "" } }],
    ["ships dist/testing/peer.js", { files: { "dist/testing/peer.js": "" } }],
    ["ships src/index.ts", { files: { "src/index.ts": "" } }],
    ["package.json says workspace:", { manifest: { dependencies: { "@hawser/rope": "workspace:*" } } }],
    ["package.json: type is not module", { manifest: { type: "commonjs" } }],
    ["package.json: sideEffects is not false", { manifest: { sideEffects: true } }],
    ["package.json: engines.node is not >=20.20", { manifest: { engines: { node: ">=18" } } }],
    ["package.json: no exports, so every file is public", { manifest: { exports: undefined } }],
    [
      "package.json: publishConfig does not say access public and provenance true",
      { manifest: { publishConfig: { access: "public" } } },
    ],
    [
      "README.md links to ../rope/README.md, which is not in the package",
      { files: { "README.md": "of [rope](../rope/README.md)" } },
    ],
    [
      "SPEC.md links to KNOTS.md#reef, which is not in the package",
      { files: { "SPEC.md": "[reef](KNOTS.md#reef)" } },
    ],
    ["exports .: ./dist/index.d.ts is not there", { files: { "dist/index.d.ts": undefined } }],
    [
      "exports .: not 'types' and then 'default'",
      { manifest: { exports: { ".": { default: "./dist/index.js", types: "./dist/index.d.ts" } } } },
    ],
    [
      "dist/index.js.map: names sources and does not hold them",
      { files: { "dist/index.js.map": '{"sources":["../src/index.ts"]}' } },
    ],
    [
      "dist/knot.js imports ws, on which the package does not depend",
      { files: { "dist/knot.js": 'import { WebSocket } from "ws";' } },
    ],
    [
      "dist/index.d.ts imports @hawser/sail/mast, on which the package does not depend",
      { files: { "dist/index.d.ts": 'export type Mast = import("@hawser/sail/mast").Mast;' } },
    ],
  ])("%s", (complaint, done) => {
    expect(complaintsAbout(done)).toEqual([complaint]);
  });

  it("the condition that leads to the sources stays in this workspace", () => {
    const entry = { "@hawser/source": "./src/index.ts", ...MANIFEST.exports["."] };
    expect(complaintsAbout({ manifest: { exports: { ".": entry } } })).toContain(
      "package.json says @hawser/source",
    );
  });
});
