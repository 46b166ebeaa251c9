import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const EXAMPLE = /^```ts[^\n]*\n([^]*?)^```/gm;

/** What an example imports that has to be installed. @param {string} code */
function packagesOf(code) {
  return [...code.matchAll(/from "([^"]+)"/g)]
    .map(([, name = ""]) => name)
    .filter((name) => !name.startsWith("node:") && !name.startsWith("."))
    .map((name) =>
      name
        .split("/")
        .slice(0, name.startsWith("@") ? 2 : 1)
        .join("/"),
    );
}

const READMES = readdirSync(join(root, "packages")).map((name) => ({
  page: `packages/${name}/README.md`,
  own: JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")).name,
  examples: 1,
}));

test.each([...READMES, { page: "docs/embed.md", own: undefined, examples: Infinity }])(
  "$page says how to install what its examples need",
  ({ page, own, examples }) => {
    const text = readFileSync(join(root, page), "utf8");
    const codes = [...text.matchAll(EXAMPLE)].slice(0, examples).map(([, code = ""]) => code);
    expect(codes.length).toBeGreaterThan(0);
    const needed = new Set([...(own === undefined ? [] : [own]), ...codes.flatMap(packagesOf)]);
    const [, named = ""] = /^`npm install ([^`]+)`/m.exec(text) ?? [];
    expect(new Set(named.split(" "))).toEqual(needed);
  },
);
