import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { z } from "zod";
import { plainEnvironment } from "./support/programs.js";
import { createTestFleet, readApiToken } from "./support/test-fleet.js";

const documentSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ responses: z.record(z.string(), z.unknown()) })),
  ),
});

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

function unescape(text: string): string {
  return text.replaceAll(/&([a-z]+|#39);/g, (entity, name: string) => ENTITIES[name] ?? entity);
}

it("every command on /docs does what it says, pasted into a shell", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const page = String((await fleet.api.request("GET", "/docs")).body);
  // What the page says comes first: where the API is, and the token, from its file.
  const api = /<code>API=&#39;(http:[^<]*)&#39;<\/code>/.exec(page)?.[1];
  const env = { ...plainEnvironment(), TOKEN: readApiToken(fleet.apiTokenFile), API: api };
  const { paths } = documentSchema.parse((await fleet.api.request("GET", "/openapi.json")).body);
  const commands = [...page.matchAll(/<pre class="curl"[^>]*>([^]*?)<\/pre>/g)].map(([, text = ""]) =>
    unescape(text),
  );
  expect(commands.length).toBeGreaterThan(Object.keys(paths).length);
  const statuses: number[] = [];
  for (const command of commands) {
    // A stream goes on until its reader has had enough.
    const stream = command.startsWith("curl --no-buffer");
    const bounded = command.replace(
      "curl ",
      stream ? "curl --silent --include --max-time 1 " : "curl --silent ",
    );
    const run = promisify(execFile)("sh", ["-c", bounded], { env });
    const { stdout } = await run.catch((thrown: unknown) =>
      z.object({ code: z.literal(28), stdout: z.string() }).parse(thrown),
    );
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(stdout)?.[1]);
    // Such as 404 for a dead letter that there is none of; never that the request makes no sense.
    expect(status, `${command}\n${stdout}`).toSatisfy(
      (found: number) => ![400, 405, 413, 415, 500].includes(found),
    );
    expect(stdout, command).not.toContain("there is nothing at");
    statuses.push(status);
  }
  expect(statuses.filter((status) => status < 300).length).toBeGreaterThan(commands.length / 2);
});
