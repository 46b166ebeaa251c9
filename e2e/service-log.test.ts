import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeCertificate } from "./support/certificates.js";
import { failureOf, PROGRAMS, runProgram } from "./support/programs.js";
import { onTerminal } from "./support/terminal.js";
import { newToken, TokensFile } from "./support/tokens-file.js";
import { createTestFleet } from "./support/test-fleet.js";

// What the services say, and where: lines for people on a terminal, JSON anywhere else, and the reason of an end like any other line.

const CTRL_C = "\u0003";
const principalArgs = (dataDir: string): readonly string[] => [
  `--data-dir=${dataDir}`,
  "--listen=127.0.0.1:0",
  "--api-listen=127.0.0.1:0",
  "--max-sessions=100",
  "--max-unauthenticated=100",
];

/** A principal on a terminal, until Ctrl-C ends it once it serves. */
async function shownByPrincipal(args: readonly string[], noColor = ""): Promise<readonly string[]> {
  const { status, shown } = await onTerminal(args.join(" "), {
    program: "principal",
    noColor,
    steps: [[/principal ready/, CTRL_C]],
  });
  expect([status, shown]).toEqual([0, expect.any(String)]);
  return shown.replaceAll("\r", "").trimEnd().split("\n");
}

describe("on a terminal", () => {
  it("a service writes lines for people, the last of which says that it has stopped", async () => {
    const fleet = await createTestFleet();
    const lines = await shownByPrincipal(principalArgs(fleet.path("other")), "1");
    const ready = lines.find((line) => line.includes("principal ready"));
    expect(ready).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}info {2}principal ready {2}pid=\d+ version=\d+\.\d+\.\d+ listen=\{/,
    );
    expect(lines.at(-1)).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}info {2}stopped$/);
    expect(lines.filter((line) => line.startsWith("{"))).toEqual([]);
  });

  it("with colours, unless NO_COLOR is there, and JSON where that is wanted", async () => {
    const fleet = await createTestFleet();
    const args = principalArgs(fleet.path("other"));
    const last = (await shownByPrincipal(args)).at(-1) ?? "";
    expect(last.replaceAll("\u001b", "ESC")).toMatch(/^ESC\[2m[\d:.]+ESC\[22m {2}info {2}stopped$/);
    const json = await shownByPrincipal([...args, "--log-format=json"]);
    expect(JSON.parse(json.at(-1) ?? "")).toMatchObject({ level: "info", msg: "stopped" });
  });

  it("a start that fails is told once, each wrong setting on a line of its own", async () => {
    const { status, shown } = await onTerminal("--name 'No Name' --window 0", {
      program: "agent",
      noColor: "1",
    });
    expect(status).toBe(2);
    const lines = shown.replaceAll("\r", "").trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/ {2}error hawser-agent cannot start: {2}code=invalid_config$/);
    for (const [at, flag] of ["--name", "--url", "--window"].entries())
      expect(lines[at + 1]).toMatch(new RegExp(`^ {6}${flag} `));
  });
});

describe("elsewhere", () => {
  it("a service writes JSON, and `stopped` is the last of it", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const agent = await fleet.agent("edge");
    await agent.start();
    for (const service of [agent, fleet.principal]) {
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      const text = (await service.logText()).trimEnd().split("\n");
      const lines = await service.logLines();
      // Not one line is anything else.
      expect(lines).toHaveLength(text.length);
      expect(lines.at(-1)).toMatchObject({ level: "info", msg: "stopped" });
    }
  });

  it("lines for people are there where they are asked for, however the start goes", async () => {
    const flag = await runProgram(PROGRAMS.agent, ["--log-format", "pretty", "--window=0"]);
    const variable = await runProgram(PROGRAMS.agent, ["--window=0"], {
      env: { HAWSER_AGENT_LOG_FORMAT: "pretty" },
    });
    for (const { code, stdout, stderr } of [flag, variable]) {
      expect([code, stderr]).toEqual([2, ""]);
      expect(stdout).toMatch(
        /^[\d:.]+ {2}error hawser-agent cannot start: {2}code=invalid_config\n {6}--name /,
      );
    }
  });

  it("why a start failed is there although the log is silent, and a format that is none is told", async () => {
    const silent = await runProgram(PROGRAMS.principal, ["--log-level=silent", "--listen=0.0.0.0:0"]);
    expect(silent.code).toBe(2);
    expect(failureOf(silent).msg).toContain("--listen 0.0.0.0");
    expect(silent.stdout.trimEnd().split("\n")).toHaveLength(1);
    const wrong = await runProgram(PROGRAMS.principal, ["--log-format=xml"]);
    expect(failureOf(wrong).msg).toMatch(/--log-format is none of json, pretty, auto \(it is "xml"\)/);
  });
});

describe("the line that says a service is ready", () => {
  it("has the version and what keeps strangers out, and the ready file has it too", async () => {
    const token = newToken();
    const tokens = await TokensFile.create([["edge", token]]);
    const directory = await createTestFleet();
    const { cert, key } = makeCertificate(directory.path("principal-tls"));
    const fleet = await createTestFleet([
      "--tls-cert",
      cert,
      "--tls-key",
      key,
      "--agent-tokens-file",
      tokens.path,
    ]);
    await fleet.startPrincipal();
    expect(await fleet.principal.logged("ready", ({ msg }) => msg === "principal ready")).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      security: { tls: true, agentTokens: true, clientCertificates: false, apiTls: false, apiTokens: true },
    });

    const url = `wss://${fleet.address}`;
    const own = await TokensFile.create([]);
    await writeFile(own.path, token);
    const agent = await fleet.agent("edge", {
      args: ["--url", url, "--tls-ca", cert, "--token-file", own.path],
    });
    const ready = {
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      url,
      security: { tls: true, token: true, clientCertificate: false },
    };
    expect(await agent.start()).toMatchObject(ready);
    expect(await agent.logged("ready", ({ msg }) => msg === "agent ready")).toMatchObject(ready);
    await fleet.connected("edge");
    expect(await fleet.principal.logged("it", ({ msg }) => msg === "session opened")).toMatchObject({
      agent: "edge",
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
  });

  it("says so where nothing does", async () => {
    const fleet = await createTestFleet(["--api-open"]);
    await fleet.startPrincipal();
    const none = {
      tls: false,
      agentTokens: false,
      clientCertificates: false,
      apiTls: false,
      apiTokens: false,
    };
    expect(await fleet.principal.logged("ready", ({ msg }) => msg === "principal ready")).toMatchObject({
      security: none,
    });
  });
});

describe("a start that is not through", () => {
  it("ends by the first signal, as asked, and never says that it is ready", async () => {
    // The platform, which is asked first, takes the question and does not answer it.
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const asked = once(silent, "request");
    onTestFinished(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef";
    const fleet = await createTestFleet(["--watch-elb-target-group", arn], {
      ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${address.port}/v4/x`,
      AWS_ACCESS_KEY_ID: "example",
      AWS_SECRET_ACCESS_KEY: "example",
      AWS_REGION: "eu-west-1",
    });
    const starting = fleet.startPrincipal().catch(() => "did not start");
    await asked;
    expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
    expect(await starting).toBe("did not start");
    const said = (await fleet.principal.logLines()).map(({ msg }) => msg);
    expect(said).not.toContain("principal ready");
    expect(said.slice(-2)).toEqual(["stopping; a second signal ends at once", "stopped"]);
  });

  it.runIf(process.platform === "linux")("does not go on for ever where nothing can be made", async () => {
    const finished = await runProgram(PROGRAMS.principal, [
      "--data-dir=/proc/hawser",
      "--listen=127.0.0.1:0",
    ]);
    expect(finished.code).toBe(1);
    expect(failureOf(finished)).toEqual({
      code: "store_unavailable",
      msg: expect.stringContaining("/proc/hawser"),
    });
  });
});
