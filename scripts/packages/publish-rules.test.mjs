import { expect, it } from "vitest";
import { publishComplaints, repositoryOf } from "./publish-rules.mjs";

const WORKSPACE = { repository: { type: "git", url: "git+https://code.example/site/knots.git" } };
const REPOSITORY = {
  type: "git",
  url: "git+https://code.example/site/knots.git",
  directory: "packages/knot",
};

/** @param {Record<string, unknown>} manifest */
function knot(manifest) {
  return [{ name: "@hawser/knot", directory: "packages/knot", manifest }];
}

it("a package that names the repository and its folder there may be published", () => {
  expect(repositoryOf(WORKSPACE, "packages/knot")).toEqual(REPOSITORY);
  const packages = knot({ repository: REPOSITORY });
  expect(publishComplaints({ workspace: WORKSPACE, packages, changed: [] })).toEqual([]);
});

it.each([
  ["no repository", { workspace: {} }, /^package.json names no repository/],
  [
    "another folder",
    { packages: knot({ repository: { ...REPOSITORY, directory: "knot" } }) },
    /^@hawser\/knot does not name/,
  ],
  [
    "none in the package",
    { packages: knot({}) },
    /^@hawser\/knot does not name the repository; 'npm run release:version'/,
  ],
  ["changes", { changed: [" M a", "?? b"] }, /^2 files have changes/],
])("refuses %s", (_what, changes, complaint) => {
  const good = { workspace: WORKSPACE, packages: knot({ repository: REPOSITORY }), changed: [] };
  expect(publishComplaints({ ...good, ...changes })).toEqual([expect.stringMatching(complaint)]);
});
