import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { createProject } from "./create-project.js";
import { parseCommand, TEMPLATES, type TemplateName } from "./parse-command.js";

const templates = fileURLToPath(new URL("../templates", import.meta.url));
const NAMES = Object.keys(TEMPLATES).filter((name): name is TemplateName => name in TEMPLATES);

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "create-hawser-"))));
afterEach(() => rmSync(home, { recursive: true }));

const create = (folder: string, template: TemplateName = "agent") =>
  createProject({ folder: join(home, folder), template, templates, version: "7.8.9" });

test("every template has a name that can be asked for, and nothing else lies there", () => {
  expect(readdirSync(templates).sort()).toEqual([...NAMES].sort());
});

describe.each(NAMES)("the template %s", (template) => {
  it("becomes a project with a name and versions of its own", () => {
    const made = create("My Rooms", template);
    expect(made).toMatchObject({
      ok: true,
      said: expect.stringContaining("npm install\n  npm test\n  npm start"),
    });
    const folder = join(home, "My Rooms");
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(manifest).toMatchObject({
      name: "my-rooms",
      private: true,
      dependencies: { "@hawser/runtime": "^7.8.9" },
    });
    expect(JSON.stringify(manifest)).not.toContain("^0.1.0");
    expect(readFileSync(join(folder, ".gitignore"), "utf8")).toContain("node_modules\ndist\n");
    expect(existsSync(join(folder, "gitignore"))).toBe(false);
    expect(readdirSync(folder)).not.toContain("node_modules");
    expect(readdirSync(join(folder, "src"))).toContain("main.ts");
  });

  it("names in its README the files that it has", () => {
    const readme = readFileSync(join(templates, template, "README.md"), "utf8");
    const named = [...readme.matchAll(/^\| `([\w./-]+\.(?:ts|yaml))`/gm)].map(([, file = ""]) => file);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((file) => !existsSync(join(templates, template, file)))).toEqual([]);
  });
});

it("leaves a folder alone that is not empty", () => {
  mkdirSync(join(home, "mine"));
  writeFileSync(join(home, "mine", "thesis.txt"), "years of work");
  expect(create("mine")).toMatchObject({ ok: false, problem: expect.stringContaining("thesis.txt") });
  expect(readdirSync(join(home, "mine"))).toEqual(["thesis.txt"]);
});

it("takes an empty folder that is there", () => {
  mkdirSync(join(home, "mine"));
  expect(create("mine")).toMatchObject({ ok: true });
});

it("says why a folder cannot be made", () => {
  writeFileSync(join(home, "file"), "");
  expect(create("file/agent")).toMatchObject({
    ok: false,
    problem: expect.stringMatching(/could not be made: .*file/),
  });
});

it("refuses a folder of which no name can be made", () => {
  expect(create("...")).toMatchObject({ ok: false, problem: expect.stringContaining("no letter or digit") });
});

describe("the command line", () => {
  const problem = (...words: string[]) => {
    const command = parseCommand(words);
    return command.kind === "refused" ? command.problem : command.kind;
  };

  it("names a folder and, if need be, a template", () => {
    expect(parseCommand(["x"])).toEqual({ kind: "create", folder: "x", template: "agent" });
    const principal = { kind: "create", folder: "x", template: "principal" };
    expect(parseCommand(["x", "--template", "principal"])).toEqual(principal);
    expect(parseCommand(["-t", "principal", "x"])).toEqual(principal);
    expect(parseCommand(["--help", "x"])).toEqual({ kind: "help" });
    expect(parseCommand(["-v"])).toEqual({ kind: "version" });
  });

  it("says what is wrong with it", () => {
    expect(problem()).toMatch(/say in which folder/);
    expect(problem("")).toMatch(/say in which folder/);
    expect(problem("x", "--template", "toString")).toBe('there is no template "toString": agent, principal');
    expect(problem("x", "--colour")).toMatch(/--colour/);
    expect(problem("x", "y")).toBe("one folder is made at a time, and there are 2 words");
    expect(problem("x", "principal")).toMatch(/write -- --template principal$/);
  });
});
