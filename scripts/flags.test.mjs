import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Flags of programs that are not ours. */
const OF_OTHERS = {
  "--init": "docker run",
  "--ulimit": "docker run",
  "--no-buffer": "curl",
  "--unix-socket": "curl",
  "--include": "curl",
  "--request": "curl",
  "--header": "curl",
  "--data": "curl",
  "--import": "node",
  "--max-semi-space-size": "node",
  "--filter": "pnpm",
  "--project": "vitest",
};
/** Where `--name` is no flag. */
const STYLES = "packages/principal-api/src/openapi/docs/page-style.ts";

/** @param {string[]} files */
const settingsOf = (files) => new Set(files.flatMap((file) => flagsOfShape(read(file))));
const service = ["packages/service/src/service-settings.ts"];
const principal = readdirSync(join(root, "apps/principal/src"))
  .filter((name) => name.endsWith("settings.ts"))
  .map((name) => `apps/principal/src/${name}`);

/** The flags that exist, by program. @type {Record<string, Set<string>>} */
const FLAGS = {
  agent: new Set([
    ...settingsOf([...service, "apps/agent/src/settings.ts"]),
    ...commandsOf(["apps/agent/src/send", "packages/service/src/send"]),
  ]),
  principal: settingsOf([...service, ...principal]),
  cli: new Set(commandsOf(["apps/cli/src", "packages/service/src/send"])),
  "create-hawser": new Set(
    [...read("apps/create-hawser/src/parse-command.ts").matchAll(/^ +(\w+): { type: "/gm)].map(
      ([, name]) => `--${name}`,
    ),
  ),
};
const every = new Set(Object.values(FLAGS).flatMap((flags) => [...flags]));
/** They speak of several programs. @param {string} room */
const known = (room) => (room === "cli" ? undefined : FLAGS[room]) ?? every;

describe("the flags that exist", () => {
  it("are found", () => {
    expect(FLAGS.agent).toContain("--task-max-cpu-percent");
    expect(FLAGS.principal).toContain("--max-sessions");
    expect(FLAGS.cli).toContain("--dry-run");
    expect(FLAGS["create-hawser"]).toContain("--template");
    expect(every.size).toBeGreaterThan(120);
  });
});

describe("every flag that a text of a program names", () => {
  const rooms = ["apps", "packages"].flatMap((above) =>
    readdirSync(join(root, above)).map((name) => ({ src: `${above}/${name}/src`, name })),
  );
  const found = rooms.flatMap(({ src, name }) =>
    sources(src)
      .filter((path) => path !== STYLES)
      .flatMap((path) => named(read(path)).map((flag) => ({ path, flag, known: known(name) }))),
  );

  it("exists", () => {
    expect(found.length).toBeGreaterThan(300);
    const unknown = found.filter(
      ({ flag, known: flags }) => !flags.has(flag) && !Object.hasOwn(OF_OTHERS, flag),
    );
    expect(unknown.map(({ path, flag }) => `${path}: ${flag}`)).toEqual([]);
  });
});

describe("every flag of a service that a README names", () => {
  const pages = [
    "README.md",
    "SECURITY.md",
    "packages/protocol/PROTOCOL.md",
    "packages/principal-api/API.md",
    "packages/metrics/METRICS.md",
  ].concat(
    readdirSync(join(root, "apps")).map((name) => `apps/${name}/README.md`),
    readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`),
  );
  const found = pages
    .filter((path) => existsSync(join(root, path)))
    .flatMap((path) =>
      [...read(path).matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) =>
        named(code).map((flag) => ({ path, flag })),
      ),
    );

  it("exists", () => {
    expect(found.length).toBeGreaterThan(100);
    const unknown = found.filter(({ flag }) => !every.has(flag) && !Object.hasOwn(OF_OTHERS, flag));
    expect(unknown.map(({ path, flag }) => `${path}: ${flag}`)).toEqual([]);
  });
});

/** Members of an object of settings, and the two that every service has beside them. @param {string} code */
function flagsOfShape(code) {
  const names = [...code.matchAll(/^ {2}(\w+): (?:\w+\(|\{)/gm)].map(([, name = ""]) => name);
  return ["--help", "--version", "--config", ...names.map(flagOf)];
}

/** @param {string[]} rooms */
function commandsOf(rooms) {
  return rooms.flatMap(sources).flatMap((path) => flagsOfCommands(read(path)));
}

/** `-f, --file <path...>` and its like; `--no-wait` is the other side of `wait`. @param {string} code */
function flagsOfCommands(code) {
  const usages = code.matchAll(
    /(?:\boption|\brequiredOption|\bOption|\bdurationOption)\(\s*["'`]([^"'`]*)["'`]/g,
  );
  return ["--help", "--version", ...[...usages].flatMap(([, usage = ""]) => named(usage))];
}

/** @param {string} name */
function flagOf(name) {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Flags in a text; `--task-max-...` stands for several. @param {string} text */
function named(text) {
  return [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?![\w-])/g)].map(([flag]) => flag);
}

/** Without comments. @param {string} path */
function read(path) {
  return readFileSync(join(root, path), "utf8")
    .replaceAll(/\/\*[^]*?\*\//g, "")
    .replaceAll(/(^|\s)\/\/.*$/gm, "");
}

/** @param {string} src */
function sources(src) {
  return readdirSync(join(root, src), { recursive: true, encoding: "utf8" })
    .map((path) => join(src, path))
    .filter(
      (path) => path.endsWith(".ts") && !/\.(test|test-support)\.ts$|\/src\/(testing|gen)\//.test(path),
    );
}
