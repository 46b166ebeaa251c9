import { existsSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { eventually } from "./support/eventually.js";
import { failureOf, PROGRAMS, runProgram } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

const checksSchema = z.array(z.object({ name: z.string(), result: z.string(), detail: z.string() }));

/** The agents of the control plane itself, one for each way of speaking. */
const PEERS = [
  { name: "peer-json", scheme: "ws+unix", format: "json" },
  { name: "peer-proto", scheme: "ws+unix", format: "proto" },
  { name: "peer-grpc", scheme: "grpc+unix", format: "json" },
] as const;

async function worldWithSocket(...args: readonly string[]): Promise<{ fleet: TestFleet; socket: string }> {
  const directory = await mkdtemp(join(tmpdir(), "hawser-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const socket = join(directory, "internal.sock");
  const fleet = await createTestFleet([
    "--internal-listen",
    `unix:${socket}`,
    "--stable-for",
    "100ms",
    ...args,
  ]);
  await fleet.startPrincipal();
  return { fleet, socket };
}

async function doctor(fleet: TestFleet, address: string): Promise<string | undefined> {
  const { stdout } = await runProgram(PROGRAMS.cli, ["doctor", "--port", address, "--output", "json"], {
    env: { HAWSER_SERVER: fleet.api.server, HAWSER_CONFIG: fleet.path("config.yaml") },
  });
  const check = checksSchema.parse(JSON.parse(stdout)).find(({ name }) => name === `port ${address}`);
  return check && `${check.result}: ${check.detail}`;
}

it("agents of the control plane come by a Unix socket, over every transport, and are served as any other", async () => {
  const { fleet, socket } = await worldWithSocket("--internal-socket-mode", "0660");
  expect(statSync(socket).mode & 0o777).toBe(0o660);
  const ready = await fleet.principal.logged("the addresses", ({ msg }) => msg === "principal ready");
  expect(ready).toMatchObject({ internal: { path: socket }, listen: { port: fleet.listen.port } });
  const lines = await fleet.principal.logLines();
  const opened = lines.findIndex(({ msg }) => msg === "session opened");
  expect(lines[opened]).toMatchObject({ agent: "hawser.self" });
  expect(opened).toBeLessThan(lines.findIndex(({ msg }) => msg === "principal ready"));

  for (const { name, scheme, format } of PEERS) {
    const args = ["--name", name, "--url", `${scheme}:${socket}`, "--format", format];
    const places = ["--data-dir", fleet.path(name), "--config-file-root", fleet.path(name, "files")];
    await fleet.service({ name, program: PROGRAMS.agent, args: [...args, ...places] }).start();
    await fleet.api.put(name, "ConfigFile", "motd", { path: "motd", content: `for ${name}` });
  }
  for (const { name } of PEERS) {
    expect((await fleet.connected(name)).reason).toContain(`from unix:${socket}#`);
    await eventually(`${name} applies its file`, async () =>
      (await readFile(fleet.path(name, "files", "motd"), "utf8")) === `for ${name}` ? true : undefined,
    );
  }
});

it("a socket file outlives a kill and is replaced, is refused to a second principal by its name, and is gone after a stop", async () => {
  const { fleet, socket } = await worldWithSocket();
  expect(await doctor(fleet, `unix:${socket}`)).toBe("warn: taken, mode 0600");

  const second = await runProgram(PROGRAMS.principal, [
    `--data-dir=${fleet.path("other")}`,
    "--listen=127.0.0.1:0",
    "--api-listen=127.0.0.1:0",
    `--internal-listen=unix:${socket}`,
  ]);
  expect(second.code).toBe(1);
  expect(failureOf(second)).toEqual({
    code: "port_in_use",
    msg: expect.stringContaining(`unix:${socket} is in use by another process`),
  });
  expect(await doctor(fleet, `unix:${socket}`)).toBe("warn: taken, mode 0600");

  await fleet.principal.kill();
  expect(existsSync(socket)).toBe(true);
  expect(await doctor(fleet, `unix:${socket}`)).toContain("ok: free: a process that is gone left it");
  await fleet.startPrincipal();
  expect(await doctor(fleet, `unix:${socket}`)).toBe("warn: taken, mode 0600");

  expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
  expect(existsSync(socket)).toBe(false);
  expect(await doctor(fleet, `unix:${socket}`)).toBe("ok: free");
  expect(await doctor(fleet, `unix:${fleet.path("gone", "a.sock")}`)).toContain("fail: ENOENT");
});

it("a path that no system takes is told before anything is started, with the limit", async () => {
  const long = `unix:/${"a".repeat(120)}`;
  const { code, stderr } = await runProgram(PROGRAMS.principal, ["--check", "--internal-listen", long]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /--internal-listen is 121 bytes long, and the path of a Unix socket may have 10[37] /,
  );
});
