import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { eventually } from "./support/eventually.js";
import { PROGRAMS, runProgram, type Finished, type RunOptions } from "./support/programs.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

let fleet: TestFleet;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
  // It looks at its files as it starts, and then not again: a test changes one.
  await (await fleet.agent("edge", { args: ["--check-interval", "0s"] })).start();
  await fleet.connected("edge");
});

function hawser(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runProgram(PROGRAMS.cli, args, { env: { HAWSER_SERVER: fleet.api.server }, ...options });
}

const MANIFESTS = `# Two files of one agent.
agent: edge
kind: ConfigFile
name: motd
spec: { path: motd, content: "welcome" }
---
agent: edge
kind: ConfigFile
name: limits
spec: { path: limits, content: "many" }
`;

async function manifest(name: string, text: string): Promise<string> {
  const file = fleet.path(name);
  await writeFile(file, text);
  return file;
}

async function written(name: string): Promise<void> {
  await eventually(`${name} is written`, async () => {
    const { version, observedVersion } = await fleet.api.resource("edge", "ConfigFile", name);
    return version === observedVersion ? version : undefined;
  });
}

const resourcesSchema = z.array(
  z.object({
    agent: z.string(),
    kind: z.string(),
    name: z.string(),
    spec: z.object({ content: z.string() }),
  }),
);

describe("hawser, against a principal and an agent", () => {
  it("apply sets every document of a file, and says so once for each", async () => {
    const file = await manifest("two.yaml", MANIFESTS);
    const { code, stdout, stderr } = await hawser(["apply", "-f", file]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^edge\/ConfigFile\/motd created, version \d+\nedge\/ConfigFile\/limits created, version \d+\n$/,
    );
    await written("motd");
    await written("limits");
    const again = await hawser(["apply", "-f", "-"], {
      env: { HAWSER_SERVER: fleet.api.server },
      input: MANIFESTS,
    });
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/motd unchanged, version/);
  });

  it("apply --force has an agent apply anew what was changed behind its back", async () => {
    const file = fleet.path("edge", "files", "motd");
    const path = await manifest("two.yaml", MANIFESTS);
    await writeFile(file, "tampered");
    expect((await hawser(["apply", "-f", path, "--wait"])).stdout).toMatch(/motd unchanged/);
    expect(await readFile(file, "utf8")).toBe("tampered");
    expect((await hawser(["apply", "-f", path, "--force", "--wait"])).stdout).toMatch(/motd updated/);
    expect(await readFile(file, "utf8")).toBe("welcome");
  });

  it("why a resource waits is said wherever one looks: get, describe, wait, apply and the API", async () => {
    const same = `${MANIFESTS.split("---")[0]}---
agent: edge
kind: ConfigFile
name: twin
spec: { path: motd, content: "also here" }
`;
    const file = await manifest("same.yaml", same);
    const applied = await hawser(["apply", "-f", file, "--wait", "--timeout", "3s"]);
    expect(applied.code).toBe(6);
    const reason = /refused (once|\d+ times) \(handler_failed: [^\n]*motd[^\n]*\)/;
    expect(applied.stderr).toMatch(reason);
    expect(applied.stderr).toMatch(/next try in \S+|sent and not answered/);
    const refused = async (args: readonly string[]): Promise<string> =>
      eventually(`${args.join(" ")} says why`, async () => {
        const { stdout, stderr } = await hawser(args);
        return reason.test(stdout + stderr) ? stdout : undefined;
      });
    expect(await refused(["describe", "edge/ConfigFile/twin"])).toMatch(/^Waits: +refused/m);
    expect(await refused(["get", "edge", "-o", "wide"])).toMatch(/^AGENT .* WAITS$/m);
    await refused(["wait", "edge/ConfigFile/twin", "--timeout", "1s"]);
    const { waiting } = await fleet.api.resource("edge", "ConfigFile", "twin");
    expect(waiting).toMatchObject({ refused: { code: "handler_failed" } });
    await hawser(["delete", "edge/ConfigFile/twin", "--wait"]);
  });

  it("a name that nobody has come by is told on stderr by apply and by send, and the exit code stays 0", async () => {
    const typo = "agent: egde\nkind: ConfigFile\nname: x\nspec: { path: x, content: x }\n";
    const applied = await hawser(["apply", "-f", await manifest("typo.yaml", typo)]);
    expect(applied.code).toBe(0);
    expect(applied.stderr).toMatch(
      /^hawser: egde has never connected; .*hawser agents remove egde --force\n$/,
    );
    const sent = await hawser(["send", "egde", "--type", "e2e.greet.v1", "--resource", "hello_1"]);
    expect(sent.code).toBe(0);
    expect(sent.stderr).toMatch(/^hawser: egde has never connected; /);
    const removed = await hawser(["agents", "remove", "egde", "--force"]);
    expect(removed).toMatchObject({ code: 0 });
  });

  it("get shows the resources of an agent, and one, in every format", async () => {
    const table = await hawser(["get", "edge"]);
    expect(table).toMatchObject({ code: 0, stderr: "" });
    expect(table.stdout).toMatch(/^AGENT +KIND +NAME +VERSION +STATE +OBSERVED +STATUS/);
    expect(table.stdout).toMatch(/edge +ConfigFile +motd +\d+ +delivered +\d+ +written/);

    const json = resourcesSchema.parse(JSON.parse((await hawser(["get", "edge", "-o", "json"])).stdout));
    expect(json.map(({ name }) => name)).toEqual(["limits", "motd"]);
    const lines = (await hawser(["get", "edge", "-o", "jsonl"])).stdout.trimEnd().split("\n");
    expect(resourcesSchema.parse(lines.map((line) => JSON.parse(line) as unknown))).toEqual(json);
    expect(resourcesSchema.parse(parse((await hawser(["get", "edge", "-o", "yaml"])).stdout))).toEqual(json);

    const one = parseAllDocuments((await hawser(["get", "edge/ConfigFile/motd", "--output", "yaml"])).stdout);
    if (!Array.isArray(one)) throw new Error("nothing was printed");
    expect(one.map((document) => document.toJS() as unknown)).toEqual([
      expect.objectContaining({ name: "motd", spec: { path: "motd", content: "welcome" } }),
    ]);
  });

  it("apply reads folders with what is below them, addresses, and what export prints", async () => {
    const folder = fleet.path("site");
    await mkdir(join(folder, "web", "deep"), { recursive: true });
    const one = (name: string): string =>
      `agent: edge\nkind: ConfigFile\nname: ${name}\nspec: { path: ${name}, content: x }\n`;
    await writeFile(join(folder, "b.yaml"), one("b"));
    await writeFile(join(folder, "web", "deep", "a.yml"), one("a"));
    await writeFile(join(folder, "README.md"), "no manifest");
    await writeFile(join(folder, ".hidden.yaml"), "neither: this");
    const applied = await hawser(["apply", "-f", folder, "--wait"]);
    expect(applied.code).toBe(0);
    expect(applied.stdout).toMatch(/^edge\/ConfigFile\/b created[^\n]*\nedge\/ConfigFile\/a created/);
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/c.yaml" ? 200 : 404;
      // A token is for the principal alone.
      response.end(request.headers.authorization === undefined ? one("c") : "a: token");
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}`;
    const env = { HAWSER_SERVER: fleet.api.server, HAWSER_TOKEN_FILE: fleet.apiTokenFile };
    const fetched = await hawser(["apply", "-f", `${address}/c.yaml`], { env });
    expect(fetched.stdout).toMatch(/^edge\/ConfigFile\/c created/);
    expect(await hawser(["apply", "-f", `${address}/d.yaml`], { env })).toMatchObject({
      code: 2,
      stderr: `hawser: ${address}/d.yaml answered 404\n`,
    });
    const exported = await hawser(["export", "edge"]);
    expect(exported.code).toBe(0);
    const again = await hawser(["apply", "-f", "-"], { env, input: exported.stdout });
    expect(again.code).toBe(0);
    expect(
      again.stdout
        .trimEnd()
        .split("\n")
        .every((line) => / unchanged, /.test(line)),
    ).toBe(true);
    const all = await hawser(["export", "-o", "json"]);
    expect((await hawser(["diff", "-f", "-"], { env, input: all.stdout })).code).toBe(0);
    // Twice: what is gone need not be deleted.
    expect((await hawser(["delete", "-f", folder, "--wait"])).code).toBe(0);
    const twice = await hawser(["delete", "-f", folder]);
    expect(twice).toMatchObject({ code: 0, stderr: "" });
    expect(twice.stdout).toBe("edge/ConfigFile/b is not there\nedge/ConfigFile/a is not there\n");
    expect((await hawser(["delete", "edge/ConfigFile/a"])).code).toBe(4);
    expect((await hawser(["delete", "edge/ConfigFile/a", "--ignore-not-found"])).code).toBe(0);
    await hawser(["delete", "edge/ConfigFile/c", "--wait"]);
  });

  it("get shows those of all agents, and tells a misspelt one from an empty one", async () => {
    await hawser(["apply", "-f", await manifest("two.yaml", MANIFESTS)]);
    const all = await hawser(["get", "--all", "--kind", "ConfigFile"]);
    expect(all).toMatchObject({ code: 0, stderr: "" });
    expect(all.stdout).toMatch(/edge +ConfigFile +motd/);
    const misspelt = await hawser(["get", "egde"]);
    expect(misspelt).toMatchObject({ code: 4, stdout: "" });
    expect(misspelt.stderr).toMatch(/^hawser: there is no agent 'egde' here/);
    expect(await hawser(["get", "edge", "--kind", "Nothing"])).toMatchObject({ code: 0, stdout: "" });
    expect((await hawser(["get", "edge", "--state", "nope"])).code).toBe(2);
    const { host } = new URL(fleet.api.server);
    expect((await hawser(["get", "edge", "--server", host])).code).toBe(0);
  });

  it("events tells those of the last minutes, and refuses what is no time", async () => {
    await hawser(["apply", "-f", await manifest("two.yaml", MANIFESTS)]);
    expect((await hawser(["events", "edge", "--since", "10m"])).stdout).toMatch(/accepted/);
    expect((await hawser(["events", "edge", "--since", "1ms"])).stdout).toBe("");
    expect(await hawser(["events", "--since", "yesterday"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("give a duration such as 10m, or the id of a step"),
    });
  });

  it("agents shows who is there and who is awaited", async () => {
    await fleet.api.post("absent", { id: "1", type: "e2e.order.v1", resourceid: "order_u1" });
    const { code, stdout } = await hawser(["agents"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME +STATE +TRANSPORT +SESSION +PENDING +DEAD +SEEN +REASON/);
    expect(stdout).toMatch(/absent +disconnected +- +- +1 +0 +- +has never connected/);
    expect(stdout).toMatch(/edge +connected +ws-json +\S+ +0 +0 +\S+ ago +-$/m);
    const names = z.array(z.object({ name: z.string() }));
    const json = names.parse(JSON.parse((await hawser(["agents", "-o", "json"])).stdout));
    expect(json.map(({ name }) => name)).toEqual(["absent", "edge"]);
  });

  it("delete is accepted, and then the resource is gone", async () => {
    await hawser(["apply", "-f", await manifest("two.yaml", MANIFESTS)]);
    const { code, stdout } = await hawser(["delete", "edge/ConfigFile/limits"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^edge\/ConfigFile\/limits delete accepted, version \d+\n$/);
    await eventually("it is gone", async () => {
      const found = await hawser(["get", "edge/ConfigFile/limits"]);
      return found.code === 4 ? found : undefined;
    });
  });

  it("an empty list is not an error", async () => {
    expect(await hawser(["get", "edge", "--kind", "Nothing"])).toEqual({
      code: 0,
      stdout: "",
      stderr: "no resources for agent edge\n",
    });
    expect(JSON.parse((await hawser(["get", "edge", "--kind", "Nothing", "-o", "json"])).stdout)).toEqual([]);
  });

  it("a long list comes whole, page by page", async () => {
    const count = 501;
    const documents = Array.from({ length: count }, (_, n) =>
      JSON.stringify({
        agent: "big",
        kind: "ConfigFile",
        name: `f${n}`,
        spec: { path: `f${n}`, content: "" },
      }),
    );
    const file = await manifest("many.yaml", documents.join("\n---\n"));
    expect((await hawser(["apply", "-f", file, "-o", "jsonl"])).stdout.trimEnd().split("\n")).toHaveLength(
      count,
    );
    expect((await hawser(["get", "big", "-o", "jsonl"])).stdout.trimEnd().split("\n")).toHaveLength(count);
  });
});

describe("hawser's exit codes", () => {
  it("1: the principal refuses, and says why", async () => {
    const content = "x".repeat(1_000_001);
    const file = await manifest(
      "too-large.yaml",
      `agent: edge\nkind: ConfigFile\nname: a\nspec: { path: a, content: ${content} }\n`,
    );
    const { code, stderr } = await hawser(["apply", "-f", file]);
    expect(stderr).toMatch(new RegExp(`^hawser: ${file}:1: event_too_large: `));
    expect(code).toBe(1);
  });

  it("2: broken YAML is named by file, line and column, and nothing was applied", async () => {
    const file = await manifest(
      "broken.yaml",
      `${MANIFESTS.replaceAll("edge", "never")}---\nagent: [never\nkind: X\n`,
    );
    const { code, stdout, stderr } = await hawser(["apply", "-f", file]);
    expect(stderr).toMatch(new RegExp(`^hawser: ${file}:1[1-4]:\\d+: `));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(await fleet.api.resources("never")).toEqual([]);
  });

  it("2: a misspelt option is named before a missing one, and every message begins alike", async () => {
    const misspelt = await hawser(["apply", "--wiat"]);
    expect(misspelt.code).toBe(2);
    expect(misspelt.stderr).toMatch(/^hawser: unknown option '--wiat'\n\(Did you mean --wait\?\)/);
    expect((await hawser(["apply"])).stderr).toMatch(/^hawser: name the manifests with -f FILE/);
    expect((await hawser(["apply", "--help"])).stdout).toMatch(/--timeout <duration> .*\(default: 1m\)/);
    expect(await hawser(["-v"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it("2: a context that is to be removed and is not there is not offered to be added", async () => {
    const env = { HAWSER_CONFIG: fleet.path("no-contexts.yaml") };
    const { code, stderr } = await hawser(["context", "remove", "nope"], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^hawser: no context nope in .*; there are none yet\. Nothing was removed\n$/);
  });

  it("3, 4: with JSON asked for, what failed is said in JSON as well", async () => {
    const error = z.object({
      error: z.object({ message: z.string(), exitCode: z.number(), code: z.string().optional() }),
    });
    const said = async (args: readonly string[]) => {
      const { stdout, stderr } = await hawser([...args, "-o", "json"]);
      expect(stdout).toBe("");
      return error.parse(JSON.parse(stderr)).error;
    };
    expect(await said(["get", "edge/ConfigFile/none"])).toMatchObject({ exitCode: 4, code: "not_found" });
    const { host } = new URL(fleet.api.server);
    const wrong = await said(["get", "edge", "--server", `https://${host}`]);
    expect(wrong).toMatchObject({ exitCode: 3, message: expect.stringContaining("is it http://?") });
  });

  it("2: a document that is no manifest is named by file and line", async () => {
    const file = await manifest("no-kind.yaml", `${MANIFESTS}---\nagent: edge\nname: a\nspec: {}\n`);
    const { code, stderr } = await hawser(["apply", "-f", file]);
    expect(stderr).toMatch(new RegExp(`^hawser: ${file}:12: not a manifest \\(kind is missing`));
    expect(code).toBe(2);
  });

  it.each([
    ["an unknown command", ["fetch"]],
    ["a missing file", ["apply", "-f", "/nowhere/at/all.yaml"]],
    ["a delete of a whole agent", ["delete", "edge"]],
    ["an address that is none", ["--server", "here", "agents"]],
    ["a format that is none", ["agents", "-o", "xml"]],
  ])("2: %s", async (_name, args) => {
    const { code, stdout, stderr } = await hawser(args);
    expect(stderr).not.toBe("");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("3: no principal answers, and where one was looked for", async () => {
    // A port that was just given back: nobody is there.
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    const { code, stderr } = await hawser(["--server", `http://127.0.0.1:${port}`, "agents"]);
    expect(stderr).toMatch(
      new RegExp(
        `^hawser: no principal answers at http://127\\.0\\.0\\.1:${port} .*--server or HAWSER_SERVER`,
      ),
    );
    expect(code).toBe(3);
  });

  it("4: what is not there is named", async () => {
    const { code, stderr } = await hawser(["get", "edge/ConfigFile/nothing"]);
    expect(stderr).toMatch(/^hawser: not_found: .*nothing/);
    expect(code).toBe(4);
    expect((await hawser(["delete", "edge/ConfigFile/nothing"])).code).toBe(4);
  });

  // One principal settles all writers by itself; only several over one store can answer so.
  it("5: a conflict, as several principals over one store would answer", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(409, { "content-type": "application/problem+json" });
      const problem = {
        type: "urn:hawser:error:conflict",
        code: "conflict",
        detail: "it was changed",
        status: 409,
      };
      response.end(JSON.stringify(problem));
    }).listen(0, "127.0.0.1");
    onTestFinished(() => {
      server.close();
    });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await hawser(["--server", `http://127.0.0.1:${port}`, "delete", "edge/A/a"]);
    expect({ code, stderr }).toEqual({ code: 5, stderr: "hawser: conflict: it was changed\n" });
  });
});
