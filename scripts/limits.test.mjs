import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = "docs/limits.md";
const page = readFileSync(join(root, PAGE), "utf8");

/** Exported constants with such a name that bound nothing at run time, and why. */
const NO_BOUNDS = {
  DEFAULT_UNIX_SOCKET_MODE: "a mode",
  DEFAULT_PAGE_LIMIT: "what a page holds if nothing is asked for; MAX_PAGE_LIMIT bounds it",
  DEFAULT_LOG_BURST: "on the page as one row with the rate",
  MAX_SESSION_TIMING_MS: "what a timer can hold",
  MAX_TIMER_DELAY_MS: "what a timer can hold",
  MAX_UNIX_PATH_BYTES: "of the system",
};

/** @type {Map<string, Set<string>>} the name of a constant, or `OBJECT.member`, to the expressions it is defined by */
const constants = new Map();
/** @type {Set<string>} */
const exported = new Set();

for (const path of sources()) {
  const code = readFileSync(join(root, path), "utf8").replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  for (const [, isExported, name = "", value = ""] of code.matchAll(
    /^(export )?const ([A-Z][A-Z0-9_]+)(?:: [^=]+?)? = (\{[^]*?\}|[^;{]+?)(?: as const)?;/gm,
  )) {
    // Others have limits under this name for themselves.
    if (name === "LIMITS" && !path.startsWith("packages/protocol/")) continue;
    if (value.startsWith("{")) {
      for (const [, member, inner = ""] of value.matchAll(/(\w+): ([^,{}]+)/g))
        define(`${name}.${member}`, inner);
    } else {
      define(name, value);
      if (isExported !== undefined) exported.add(name);
    }
  }
}

/** @param {string} name @param {string} expression */
function define(name, expression) {
  constants.set(name, (constants.get(name) ?? new Set()).add(expression.trim()));
}

function sources() {
  const rooms = [
    ...readdirSync(join(root, "packages")).map((name) => join("packages", name)),
    ...["agent", "principal"].map((name) => join("apps", name)),
  ].filter((room) => !room.endsWith("testkit") && !room.endsWith("telemetry"));
  return rooms
    .map((room) => join(room, "src"))
    .flatMap((src) =>
      readdirSync(join(root, src), { recursive: true, encoding: "utf8" }).map((path) => join(src, path)),
    )
    .filter((path) => path.endsWith(".ts") && !/\.(test|test-support)\.ts$|\/(testing|gen)\//.test(path));
}

/** The numbers a name may stand for; none where it is no number. @param {string} name @returns {number[]} */
function numbersOf(name, depth = 0) {
  return [...(constants.get(name) ?? [])]
    .map((expression) => numberOf(expression, depth))
    .filter(Number.isFinite);
}

/** @param {string} expression @param {number} depth @returns {number} */
function numberOf(expression, depth) {
  if (depth > 4) return Number.NaN;
  const resolved = expression
    .replaceAll("Number.MAX_SAFE_INTEGER", String(Number.MAX_SAFE_INTEGER))
    .replaceAll(/[A-Z][A-Z0-9_]+(?:\.\w+)?/g, (name) => String(numbersOf(name, depth + 1)[0] ?? "?"))
    .replaceAll("_", "");
  if (!/^[\d\s.*+()-]+$/.test(resolved)) return Number.NaN;
  return valueOf(resolved.replaceAll(/\s/g, ""));
}

/** Of a sum of products of powers, such as `2 * 1024 ** 2`; parentheses inside out. @param {string} expression @returns {number} */
function valueOf(expression) {
  const inner = /\(([^()]*)\)/.exec(expression);
  if (inner !== null) return valueOf(expression.replace(inner[0], String(valueOf(inner[1] ?? ""))));
  return expression
    .split("+")
    .map((sum) =>
      sum
        .split("-")
        .map(productOf)
        .reduce((left, right) => left - right),
    )
    .reduce((left, right) => left + right);
}

/** @param {string} expression */
const productOf = (expression) =>
  expression
    .replaceAll("**", "^")
    .split("*")
    .map((power) =>
      power
        .split("^")
        .map(Number)
        .reduceRight((exponent, base) => base ** exponent),
    )
    .reduce((left, right) => left * right);

/** Rows of all tables: the first number of the second cell, and the constants that the last cell names. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| *-/.test(line))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  .filter((cells) => cells.at(-1)?.includes("`"))
  .map((cells) => ({
    bound: cells[0],
    value: Number(/^[\d,.]+/.exec(cells[1] ?? "")?.[0].replaceAll(",", "") ?? Number.NaN),
    names: [...(cells.at(-1) ?? "").matchAll(/`([A-Z][\w.]+)`/g)].map(([, name = ""]) => name),
    cells,
  }));

test("the page has rows, and each has all its cells", () => {
  expect(rows.length).toBeGreaterThan(50);
  for (const { bound, cells } of rows)
    expect(
      cells.filter((cell) => cell === ""),
      bound,
    ).toEqual([]);
});

test.each(rows.filter(({ names }) => names.length > 0))("$bound is what the code has", ({ value, names }) => {
  for (const name of names) expect(numbersOf(name), `${name} in the code, against ${PAGE}`).toContain(value);
});

test("every bound that a package exports is on the page", () => {
  const named = new Set(rows.flatMap(({ names }) => names));
  const missing = [...exported]
    .filter((name) => /^(DEFAULT|MAX)_/.test(name) && numbersOf(name).length > 0)
    .filter((name) => !named.has(name) && !Object.hasOwn(NO_BOUNDS, name));
  expect(missing, `add a row for each to ${PAGE}, or say in this test why it bounds nothing`).toEqual([]);
});

test("every limit of the wire and every default of its timing is on the page", () => {
  const named = new Set(rows.flatMap(({ names }) => names));
  const wire = [...constants.keys()].filter((name) => /^(LIMITS|DEFAULT_[A-Z_]+)\./.test(name));
  expect(wire.length).toBeGreaterThan(40);
  expect(wire.filter((name) => numbersOf(name).length > 0 && !named.has(name))).toEqual([]);
});

test("a status that is named beside an error code is that of the API", () => {
  const named = rows.flatMap(({ cells }) => [
    ...(cells.at(-2) ?? "").matchAll(/`([a-z_]+)`[^(;`]*\((\d{3})\b/g),
  ]);
  expect(named.length).toBeGreaterThan(2);
  for (const [text, code, status] of named)
    expect(numbersOf(`STATUS_BY_CODE.${code}`), `${text} in ${PAGE}`).toEqual([Number(status)]);
});
