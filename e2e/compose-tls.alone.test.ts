import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "@hawser/runtime";
import { afterEach, expect, it } from "vitest";
import { ComposeProject, composeMissing } from "./support/compose.js";
import { becomes } from "./support/eventually.js";
import { blocksOf } from "./support/markdown.js";
import { ROOT } from "./support/typescript-examples.js";

// deploy/compose-tls as its page says: secrets are made, and a principal and two agents find each other over TLS, with tokens, and nothing else gets in.

const missing = composeMissing();
const TEST_MS = 1_200_000;
const CONNECTED_MS = 60_000;

// The context of the build is the repository, and what is made there must not stay.
const folder = join(ROOT, "deploy", "compose-tls");
const secrets = join(folder, "secrets");
const kept = mkdtempSync(join(tmpdir(), "hawser-e2e-secrets-"));
const project = new ComposeProject(`hawser-e2e-tls-${systemRandom.uuid().slice(0, 8)}`, folder);

afterEach(async () => {
  if (missing === undefined)
    await project.compose("--profile", "tools", "down", "--volumes", "--timeout", "5");
  rmSync(secrets, { recursive: true, force: true });
  rmSync(kept, { recursive: true, force: true });
}, TEST_MS);

/** What deploy/README.md says to type. */
function linesOfReadme(): readonly string[] {
  const blocks = blocksOf(readFileSync(join(ROOT, "deploy", "README.md"), "utf8"));
  return blocks.flatMap(({ label, code }) =>
    label === "compose-tls" ? code.split("\n").filter(Boolean) : [],
  );
}

it.skipIf(missing !== undefined)(
  `agents connect over TLS with their tokens, and the command line with its own${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const make = () => spawnSync("sh", ["make-secrets.sh"], { cwd: folder, encoding: "utf8" });
    expect(make()).toMatchObject({ status: 0, stderr: "" });
    cpSync(secrets, kept, { recursive: true });
    // A second time it leaves everything as it is.
    expect(make()).toMatchObject({ status: 0, stderr: "" });
    for (const name of ["ca.crt", "principal.crt", "agents", "api.token", "edge-1.token", "operator.token"])
      expect(readFileSync(join(secrets, name), "utf8")).toBe(readFileSync(join(kept, name), "utf8"));

    const [enter, secretsLine, up = "", list = "", down = "", ...more] = linesOfReadme();
    expect([enter, secretsLine?.split(" #")[0]?.trim(), more]).toEqual([
      "cd deploy/compose-tls",
      "sh make-secrets.sh",
      [],
    ]);
    await project.shell(up).done;
    await project.shell(list).done;
    const hawser = (...args: readonly string[]): Promise<string> =>
      project.compose("run", "--rm", "--no-TTY", "hawser", ...args);
    await becomes(
      "both agents are connected",
      async () => {
        const agents = await hawser("agents", "--output", "jsonl");
        return (agents.match(/"state":"connected"/g) ?? []).length === 2;
      },
      CONNECTED_MS,
    );
    const log = await project.compose("logs", "--no-log-prefix", "principal");
    expect(log).toContain(
      '"security":{"tls":true,"agentTokens":true,"clientCertificates":false,"apiTls":true,"apiTokens":true}',
    );
    // It has nothing to warn of but what Node and the machine are.
    const warnings = log.split("\n").filter((line) => line.includes('"level":"warn"'));
    expect(warnings.filter((line) => !/open files|nghttp2/.test(line))).toEqual([]);

    // Another agent's token is refused, whoever has it.
    const other =
      "--name edge-1 --token-file /run/secrets/edge-2.token --data-dir /tmp/x --ready-file /tmp/x.json";
    const tried = `timeout 10 node /app/bin/hawser-agent.js ${other} || true`;
    expect(await project.compose("exec", "--no-TTY", "edge-2", "sh", "-c", tried)).toContain(
      "forbidden: the token does not belong to edge-1",
    );
    await project.shell(down).done;
    expect(await project.compose("ps", "--all", "--quiet")).toBe("");
  },
  TEST_MS,
);
