import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ERROR_CODES } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseAllDocuments } from "yaml";
import { DOCS, readPages } from "./support/documents.js";
import { anchorsOf, inlineCodeOf, linksOf } from "./support/markdown.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { ROOT } from "./support/typescript-examples.js";
import { createTestFleet } from "./support/test-fleet.js";

// What docs/ says, as far as a program can tell: docs-commands.test.ts runs what it shows.

/** There is none for commands that nobody runs: docs-commands.test.ts and fresh-clone.alone.test.ts run every one. */
// nginx and haproxy: network-front.test.ts runs them.
// text: screens, which scripts/screens.mjs makes.
const LANGUAGES = ["sh", "ts", "js", "yaml", "mermaid", "ini", "nginx", "haproxy", "text"];
const COMMANDS = [
  "apply",
  "wait",
  "drain",
  "dev",
  "events",
  "send",
  "doctor",
  "top",
  "get",
  "agents",
  "diff",
  "logs",
];

const pages = await readPages();
const textOf = (name: string): string => pages.find((page) => page.name === name)?.text ?? "";

describe.each(pages.map((page) => [page.name, page] as const))("docs/%s", (name, { text, blocks }) => {
  const of = (...languages: readonly string[]): typeof blocks =>
    blocks.filter(({ language }) => languages.includes(language));

  it("has blocks of known kinds", () => {
    expect(blocks.filter(({ language }) => !LANGUAGES.includes(language))).toEqual([]);
  });

  it("leads where its links say", async () => {
    const broken: string[] = [];
    for (const { line, target } of linksOf(text).filter((link) => !/^https?:/.test(link.target))) {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? join(DOCS, name) : join(dirname(join(DOCS, name)), path);
      const leads = await stat(file).then(
        async () => anchor === undefined || anchorsOf(await readFile(file, "utf8")).has(anchor),
        () => false,
      );
      if (!leads) broken.push(`line ${line}: ${target}`);
    }
    expect(broken).toEqual([]);
  });

  it("shows JavaScript that is part of a program that runs", async () => {
    for (const { code, label, line } of of("js")) {
      const program = await readFile(join(ROOT, "e2e", "fixtures", label), "utf8");
      expect(program.includes(code), `line ${line} is not in ${label}`).toBe(true);
    }
  });

  it("has YAML that can be read", () => {
    for (const { code } of of("yaml"))
      expect(parseAllDocuments(code).flatMap(({ errors }) => errors)).toEqual([]);
  });
});

describe("what the pages name is there:", () => {
  it("flags", async () => {
    const helps = await Promise.all([
      runProgram(PROGRAMS.principal, ["--help"]),
      runProgram(PROGRAMS.agent, ["--help"]),
      ...COMMANDS.map((command) => runProgram(PROGRAMS.cli, [command, "--help"])),
      runProgram(PROGRAMS.cli, ["agents", "remove", "--help"]),
      runProgram(PROGRAMS.cli, ["sinks", "add", "--help"]),
      runProgram(PROGRAMS.createHawser, ["--help"]),
    ]);
    const known = new Set(helps.flatMap(({ stdout }) => stdout.match(/--[a-z][a-z-]+/g) ?? []));
    const named = pages.flatMap(
      ({ text }) =>
        inlineCodeOf(text)
          .join("\n")
          .match(/--[a-z][a-z-]+/g) ?? [],
    );
    expect(named.length).toBeGreaterThan(0);
    expect([...new Set(named)].filter((flag) => !known.has(flag))).toEqual([]);
  });

  it("metrics, as a principal and an agent answer them", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    await fleet.api.put("edge-1", "ConfigFile", "motd", { path: "motd", content: "" });
    const { body } = await fleet.api.request("GET", "/metrics");
    const agent = await fleet.agent("edge-1", { args: ["--health-listen", "127.0.0.1:0"] });
    const { health } = z.object({ health: z.object({ port: z.number() }) }).parse(await agent.start());
    const ofAgent = await (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text();
    const known = new Set(`${String(body)}\n${ofAgent}`.match(/(?<=^# TYPE )\S+/gm));
    const named = pages.flatMap(({ text }) => text.match(/\b(hawser|process|nodejs)_[a-z_]+[a-z]\b/g) ?? []);
    expect(named.length).toBeGreaterThan(0);
    expect([...new Set(named)].filter((metric) => !known.has(metric))).toEqual([]);
  });

  it("error codes: each has its row in operate.md", () => {
    const [, byCode = ""] = textOf("operate.md").split("\nBy code.");
    const cells = [...byCode.matchAll(/^\| (`.*?) \|/gm)].map(([, cell = ""]) => cell);
    const named = new Set(inlineCodeOf(cells.join("\n")));
    expect(ERROR_CODES.filter((code) => !named.has(code))).toEqual([]);
  });

  it("pages: each is in the index and in the README of it all", async () => {
    const index = new Set(linksOf(textOf("README.md")).map(({ target }) => target));
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    const top = new Set(linksOf(readme).map(({ target }) => target));
    const names = pages.map(({ name }) => name);
    expect(names.filter((name) => !index.has(name) && name !== "README.md")).toEqual([]);
    expect(names.filter((name) => !top.has(`docs/${name}`))).toEqual([]);
  });
});
