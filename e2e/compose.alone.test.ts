import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { systemRandom } from "@hawser/runtime";
import { afterEach, expect, it } from "vitest";
import { ComposeProject, composeMissing } from "./support/compose.js";
import { becomes } from "./support/eventually.js";
import { blocksOf } from "./support/markdown.js";
import { PrincipalApi } from "./support/principal-api.js";
import { PROGRAMS, runProgram } from "./support/programs.js";

const missing = composeMissing();
const AGENTS = ["edge-grpc", "edge-json", "edge-proto"];
const MANIFEST = fileURLToPath(new URL("../examples/demo.yaml", import.meta.url));
/** A container takes its time to start. */
const CONVERGED_MS = 60_000;
const TEST_MS = 1_200_000;

const project = new ComposeProject(`hawser-e2e-${systemRandom.uuid().slice(0, 8)}`);

afterEach(async () => {
  if (missing === undefined) await project.compose("down", "--volumes", "--timeout", "5");
}, TEST_MS);

async function api(): Promise<PrincipalApi> {
  return new PrincipalApi(await project.server(), await project.apiToken());
}

async function converged(): Promise<void> {
  const principal = await api();
  await becomes(
    "every agent is connected and has everything",
    async () => {
      const agents = await Promise.all(AGENTS.map((name) => principal.agent(name)));
      return agents.every(({ state, pending }) => state === "connected" && pending === 0);
    },
    CONVERGED_MS,
  );
}

async function hawser(...args: readonly string[]): Promise<string> {
  const env = { HAWSER_SERVER: await project.server(), HAWSER_TOKEN: await project.apiToken() };
  const { code, stdout, stderr } = await runProgram(PROGRAMS.cli, args, { env, timeoutMs: CONVERGED_MS });
  expect(code, stderr).toBe(0);
  return stdout;
}

it.skipIf(missing !== undefined)(
  `docker compose up: applies, survives the kill of its principal, and keeps what a stopped agent misses${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    await project.compose("up", "--detach", "--build", "--wait", "principal", ...AGENTS);
    await converged();
    await hawser("apply", "-f", MANIFEST, "--wait", "--timeout", "60s");

    await project.compose("kill", "--signal", "SIGKILL", "principal");
    await project.compose("up", "--detach", "--wait", "principal");
    await converged();
    expect(await hawser("apply", "-f", MANIFEST)).not.toMatch(/created|updated/);

    await project.compose("stop", "edge-grpc");
    const principal = await api();
    await becomes(
      "the agent is away",
      async () => (await principal.agent("edge-grpc")).state === "disconnected",
    );
    await principal.put("edge-grpc", "ConfigFile", "missed", { path: "missed", content: "while away\n" });
    expect(await principal.agent("edge-grpc")).toMatchObject({ state: "disconnected", pending: 1 });
    await project.compose("start", "edge-grpc");
    await converged();
    await hawser("wait", "edge-grpc/ConfigFile/missed", "--for", "observed", "--timeout", "30s");
    expect(await project.compose("exec", "--no-TTY", "edge-grpc", "cat", "config-files/missed")).toBe(
      "while away\n",
    );
  },
  TEST_MS,
);

it.skipIf(missing !== undefined)(
  `the commands of deploy/README.md${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const readme = blocksOf(
      await readFile(fileURLToPath(new URL("../deploy/README.md", import.meta.url)), "utf8"),
    );
    const linesOf = (wanted: string): readonly string[] =>
      readme.flatMap(({ label, code }) => (label === wanted ? code.split("\n").filter(Boolean) : []));
    const [up = ""] = linesOf("until-interrupted");
    const demo = project.shell(`exec ${up}`);
    await becomes(
      "the principal is served",
      async () => (await project.server().catch(() => "")) !== "",
      TEST_MS,
    );
    await converged();
    const rest = linesOf("compose");
    expect(rest).toHaveLength(3);
    for (const line of rest) await project.shell(line).done;
    expect(await project.compose("ps", "--all", "--quiet")).toBe("");
    // It follows the containers, and ends with the last of them.
    await demo.done;
  },
  TEST_MS,
);
