import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger, systemRuntime } from "@hawser/runtime";
import { loadSettings } from "@hawser/service";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createService, type AgentService } from "./agent-service.js";
import { checkSettings } from "./check-settings.js";
import { socketNotices } from "./event-socket/socket-settings.js";
import { settingsShape, type AgentSettings } from "./settings.js";

let directory: string;
let services: AgentService[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-agent-"));
  services = [];
});

afterEach(async () => {
  for (const service of services) await service.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A service whose principal is not there. */
function make(...args: string[]): AgentService {
  const service = createService(settingsOf(args), systemRuntime(silentLogger), { umask: 0o022 });
  services.push(service);
  return service;
}

function settingsOf(args: readonly string[]): AgentSettings {
  const loaded = loadSettings({
    program: "hawser-agent",
    description: "",
    version: "0",
    variablePrefix: "HAWSER_AGENT_",
    shape: settingsShape,
    args: ["--name", "a", "--url", "ws://127.0.0.1:9", "--data-dir", join(directory, "deep/data"), ...args],
    env: {},
    readFile: () => "",
  });
  if (loaded.kind === "text") throw new Error(loaded.text);
  return loaded.settings;
}

it("is ready without a principal, says where it is, and stops cleanly", async () => {
  const service = make();
  const dataDir = join(directory, "deep/data");
  expect(await service.start()).toEqual({
    name: "a",
    url: "ws://127.0.0.1:9",
    dataDir,
    socket: join(dataDir, "agent.sock"),
    security: { tls: false, token: false, clientCertificate: false },
  });
  expect(["connecting", "waiting"]).toContain(service.agent.state.kind);
  await service.stop();
  expect(service.agent.state.kind).toBe("stopped");
});

it("does not start on a data directory another agent has, and leaves that one alone", async () => {
  const first = make();
  await first.start();
  await expect(make().start()).rejects.toMatchObject({ code: "store_unavailable" });
  expect(first.agent.state.kind).not.toBe("stopped");
});

describe("the socket for events", () => {
  it("is off where that is said, and where nobody named one and its path is too long", async () => {
    expect(await make("--socket", "off").start()).not.toHaveProperty("socket");
    const long = join(directory, "x".repeat(120));
    expect(await make("--data-dir", long).start()).toMatchObject({ dataDir: long });
    expect(socketNotices({ socket: { kind: "default" }, socketMode: 0o600 }, long)).toEqual([
      { detail: expect.stringContaining("bytes long"), fix: expect.stringContaining("--socket") },
    ]);
  });

  it("keeps an agent from starting only if it was named", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    await expect(make("--socket", file).start()).rejects.toMatchObject({
      code: "address_unavailable",
      message: `${file} is there and is no socket, so it is left alone; set --socket to another file`,
    });
    const dataDir = join(directory, "other");
    await mkdir(join(dataDir, "agent.sock"), { recursive: true });
    expect(await make("--data-dir", dataDir).start()).not.toHaveProperty("socket");
  });

  it.each([
    [["--socket", `/${"x".repeat(120)}`], "bytes long"],
    [["--socket-mode", "0777"], "is neither 0600 nor 0660"],
    [["--socket-mode", "0660"], "lets nobody in"],
    [["--socket", "/run/a.sock", "--socket-group", "5"], "add --socket-mode 0660"],
    [["--socket", "off", "--socket-mode", "0660"], "has neither a mode nor a group"],
  ])("is refused with %j", (args, message) => {
    expect(() => checkSettings(settingsOf(args))).toThrow(message);
  });
});
