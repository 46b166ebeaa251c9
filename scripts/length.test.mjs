import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./packages/workspace.mjs";

const RULES = ["max-lines", "max-lines-per-function"];

/** @typedef {{ files: string[], rules: Record<string, unknown> }} Override */
/** @typedef {{ ignorePatterns: string[], rules: Record<string, unknown>, overrides: Override[] }} Rules */

const text = readFileSync(join(ROOT, ".oxlintrc.json"), "utf8").replaceAll(/^\s*\/\/.*$/gm, "");
/** @type {Rules} */
const config = JSON.parse(text);

/** A list of exceptions names files, and turns one rule off. @param {Override} override */
const isExceptions = ({ files, rules }) =>
  Object.keys(rules).every((rule) => RULES.includes(rule)) && files.every((file) => !file.includes("*"));

/** @returns {Record<string, string[]>} by rule, the files that break it */
function tooLong() {
  const folder = mkdtempSync(join(tmpdir(), "hawser-length-"));
  try {
    const file = join(folder, "rules.json");
    const { ignorePatterns } = config;
    const rules = Object.fromEntries(RULES.map((rule) => [rule, config.rules[rule]]));
    const overrides = config.overrides.filter((override) => !isExceptions(override));
    const only = { categories: { correctness: "off" }, ignorePatterns, rules, overrides };
    writeFileSync(file, JSON.stringify(only));
    const oxlint = join(ROOT, "node_modules", ".bin", "oxlint");
    const { stdout } = spawnSync(oxlint, ["-c", file, "--format=json", "."], { cwd: ROOT, encoding: "utf8" });
    /** @type {{ diagnostics: { code: string, filename: string }[] }} */
    const { diagnostics } = JSON.parse(stdout);
    return Object.fromEntries(
      RULES.map((rule) => {
        const found = diagnostics.filter(({ code }) => code === `eslint(${rule})`);
        return [rule, [...new Set(found.map(({ filename }) => filename))].sort()];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const found = tooLong();

test.each(RULES)("%s: the exceptions are the files that break it, and no others", (rule) => {
  const excepted = config.overrides
    .filter((override) => isExceptions(override) && Object.hasOwn(override.rules, rule))
    .flatMap(({ files }) => files);
  expect(excepted.sort()).toEqual(found[rule]);
});
