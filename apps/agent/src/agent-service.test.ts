import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRuntime } from "@hawser/runtime";
import { loadSettings } from "@hawser/service";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createService, type AgentService } from "./agent-service.js";
import { settingsShape } from "./settings.js";

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
  const service = createService(loaded.settings, systemRuntime(), { umask: 0o022 });
  services.push(service);
  return service;
}

it("is ready without a principal, says where it is, and stops cleanly", async () => {
  const service = make();
  const dataDir = join(directory, "deep/data");
  expect(await service.start()).toEqual({
    name: "a",
    url: "ws://127.0.0.1:9",
    dataDir,
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
