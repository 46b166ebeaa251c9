import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { Bystander } from "./support/bystander.js";
import { failureOf, PROGRAMS, runProgram, type Finished } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

interface Refusal {
  readonly exitCode: number;
  readonly code: string;
  readonly said: readonly RegExp[];
}

/** What every one of them has to say so that the user need not guess. */
function expectRefused(finished: Finished, { exitCode, code, said }: Refusal): void {
  const failure = failureOf(finished);
  expect(failure.code).toBe(code);
  for (const what of said) expect(failure.msg).toMatch(what);
  // A stack trace is for those who wrote the program.
  expect(finished.stdout).not.toMatch(/\bat .+:\d+:\d+/);
  expect(finished.code).toBe(exitCode);
}

const forSettings = (...said: readonly RegExp[]): Refusal => ({ exitCode: 2, code: "invalid_config", said });

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function startPrincipal(fleet: TestFleet, ...args: readonly string[]): Promise<Finished> {
  return runProgram(PROGRAMS.principal, [
    `--data-dir=${fleet.path("other")}`,
    "--listen=127.0.0.1:0",
    "--api-listen=127.0.0.1:0",
    ...args,
  ]);
}

describe("a principal that cannot start", () => {
  it("for a port in use of the agents: exit code 1, the address, and what to do", async () => {
    const port = await takenPort();
    const finished = await startPrincipal(await createTestFleet(), "--listen", `127.0.0.1:${port}`);
    expectRefused(finished, {
      exitCode: 1,
      code: "port_in_use",
      said: [new RegExp(`127\\.0\\.0\\.1:${port} .*in use`), /set --listen to a free port/],
    });
  });

  it("for a port in use of the API: exit code 1, the address, and what to do", async () => {
    const port = await takenPort();
    const finished = await startPrincipal(await createTestFleet(), "--api-listen", `127.0.0.1:${port}`);
    expectRefused(finished, {
      exitCode: 1,
      code: "port_in_use",
      said: [new RegExp(`127\\.0\\.0\\.1:${port} .*in use`), /set --api-listen to a free port/],
    });
  });

  it("for a data directory in use: exit code 1, the directory, and the one who has it goes on", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const bystander = new Bystander(fleet);
    await bystander.start();
    const finished = await startPrincipal(fleet, "--data-dir", fleet.path("principal"));
    expectRefused(finished, {
      exitCode: 1,
      code: "store_unavailable",
      said: [/another process/, new RegExp(fleet.path("principal"))],
    });
    await bystander.isUnharmed();
  });
});

describe("settings that are wrong", () => {
  const programs = [
    ["principal", PROGRAMS.principal, []],
    ["agent", PROGRAMS.agent, ["--name", "edge", "--url", "ws://127.0.0.1:1"]],
  ] as const;

  it.each(programs)("an unreadable file, %s: exit code 2 and its name", async (_name, program, args) => {
    const fleet = await createTestFleet();
    const missing = fleet.path("nowhere.yaml");
    expectRefused(
      await runProgram(program, [...args, "--config", missing]),
      forSettings(new RegExp(`${missing} cannot be read: ENOENT`)),
    );
    const directory = fleet.path("folder.yaml");
    await mkdir(directory);
    expectRefused(
      await runProgram(program, [...args, "--config", directory]),
      forSettings(new RegExp(`${directory} cannot be read: EISDIR`)),
    );
  });

  it.each(programs)("broken YAML, %s: exit code 2, file, line and column", async (_name, program, args) => {
    const fleet = await createTestFleet();
    const file = fleet.path("broken.yaml");
    await writeFile(file, "dataDir: /tmp/x\nlogLevel: info\nwindow: [1, 2\n");
    expectRefused(
      await runProgram(program, [...args, "--config", file]),
      forSettings(new RegExp(`${file}:(3|4):\\d+: `)),
    );
  });

  it("several at once, principal: each is told", async () => {
    const fleet = await createTestFleet();
    const file = fleet.path("settings.yaml");
    await writeFile(file, "windwo: 5\nmaxSessions: many\n");
    const finished = await runProgram(
      PROGRAMS.principal,
      ["--config", file, "--listen", "nowhere", "--stop-window", "soon"],
      { env: { HAWSER_PRINCIPAL_LOG_LEVEL: "loud", HAWSER_PRINCIPAL_LISTN: "127.0.0.1:1" } },
    );
    expectRefused(
      finished,
      forSettings(
        new RegExp(`'windwo' in ${file} is not a setting`),
        new RegExp(`'maxSessions' in ${file} .*many`),
        /--listen .*"nowhere"/,
        /--stop-window .*"soon"/,
        /HAWSER_PRINCIPAL_LOG_LEVEL .*"loud"/,
        /HAWSER_PRINCIPAL_LISTN is the name of no setting; hawser-principal --help/,
      ),
    );
  });

  it("several at once, agent: each is told, missing ones too", async () => {
    const finished = await runProgram(PROGRAMS.agent, ["--name", "No Name", "--window", "0"]);
    expectRefused(finished, forSettings(/--name .*"No Name"/, /--url .*is missing/, /--window .*"0"/));
  });

  it("a port open to everyone by mistake: exit code 2 and how to mean it", async () => {
    const finished = await runProgram(PROGRAMS.principal, ["--listen", "0.0.0.0:0"]);
    expectRefused(finished, forSettings(/--listen 0\.0\.0\.0/, /--agent-tokens-file/, /--insecure/));
  });
});
