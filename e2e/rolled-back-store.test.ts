import { cp, rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { fileHolds, putFile } from "./support/config-files.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import type { LogLine, ServiceProcess } from "./support/service-process.js";
import { createWorld, type World } from "./support/world.js";

const AGENT = "edge";

interface Scene {
  readonly world: World;
  readonly agent: ServiceProcess;
}

async function connectedWorld(transport: "ws-json" | "grpc"): Promise<Scene> {
  const world = await createWorld();
  await world.startPrincipal();
  const agent = await world.agent(AGENT, { transport });
  await agent.start();
  await world.connected(AGENT);
  await putFile(world, AGENT, "kept", "one");
  return { world, agent };
}

async function putBack(world: World, directory: string): Promise<void> {
  await rm(directory, { recursive: true });
  await cp(world.path("backup"), directory, { recursive: true });
}

async function adopt(directory: string): Promise<void> {
  const { code, stderr } = await runProgram(PROGRAMS.cli, ["adopt", directory]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
}

async function status(world: World): Promise<string> {
  const { code, stdout } = await runProgram(PROGRAMS.cli, ["status", "--server", world.api.server]);
  expect(code).toBe(0);
  return stdout;
}

async function converges(world: World): Promise<void> {
  await putFile(world, AGENT, "kept", "the last");
  await putFile(world, AGENT, "later", "anew");
  await becomes("nothing waits, and the status is of the newest spec", async () => {
    const { pending } = await world.api.agent(AGENT);
    const { version, observedVersion } = await world.api.resource(AGENT, "ConfigFile", "kept");
    return pending === 0 && version === observedVersion;
  });
}

const rolledBack = (line: LogLine): boolean => line["code"] === "store_rolled_back";

describe.each(["ws-json", "grpc"] as const)(
  "an older copy that is started without adopt, over %s",
  (transport) => {
    it("of the principal: named on both sides, serves its API, and nothing is delivered or lost until it is adopted", async () => {
      const { world, agent } = await connectedWorld(transport);
      await world.principal.stop();
      await cp(world.path("principal"), world.path("backup"), { recursive: true });
      await world.startPrincipal();
      await world.connected(AGENT);
      for (const content of ["two", "three", "four"]) await putFile(world, AGENT, "kept", content);
      await world.principal.stop();
      await agent.stop();

      await putBack(world, world.path("principal"));
      await world.startPrincipal();
      // More than the agent has had: the number alone would not show it.
      for (let n = 0; n < 12; n += 1)
        await world.api.put(AGENT, "ConfigFile", "later", { path: "later", content: String(n) });
      await agent.start();
      const refused = await agent.logged("the refusal", rolledBack);
      expect(refused).toMatchObject({ level: "error", msg: expect.stringContaining("run 'hawser adopt'") });
      expect(refused.msg).toContain("the principal's store may have been rolled back: it gave out version");
      expect(await world.principal.logged("that it is one", rolledBack)).toMatchObject({
        level: "error",
        agents: 1,
        msg: expect.stringContaining("proven by 1 of the agents"),
      });
      expect(await status(world)).toMatch(/Store: +store_rolled_back, say 1 agent: the principal's store/);
      const shown = await world.api.agent(AGENT);
      expect(shown).toMatchObject({ state: "disconnected", reason: expect.stringContaining("rolled back") });
      expect(shown.pending).toBeGreaterThan(0);

      await world.principal.stop();
      await agent.stop();
      await adopt(world.path("principal"));
      await world.startPrincipal();
      await agent.start();
      await world.connected(AGENT);
      // What was accepted while it was refused has waited.
      await fileHolds(world, AGENT, "later", "11");
      await fileHolds(world, AGENT, "kept", "one");
      expect(await status(world)).not.toContain("store_rolled_back");
      await converges(world);
    });

    it("of the agent: named on both sides, the others go on, and all is told again once it is adopted", async () => {
      const { world, agent } = await connectedWorld(transport);
      await agent.stop();
      const data = world.path(AGENT, "data", "store");
      await cp(data, world.path("backup"), { recursive: true });
      await agent.start();
      await world.connected(AGENT);
      for (const content of ["two", "three", "four"]) await putFile(world, AGENT, "kept", content);
      await agent.stop();

      await putBack(world, data);
      await agent.start();
      const refused = await agent.logged("that it is one", rolledBack);
      expect(refused).toMatchObject({ level: "error", msg: expect.stringContaining("run 'hawser adopt'") });
      expect(refused.msg).toContain("the agent's store may have been rolled back");
      const told = await world.principal.logged("its close", rolledBack);
      expect(told).toMatchObject({ level: "warn", agent: AGENT, msg: expect.stringContaining("4010") });
      await becomes("people see why", async () => {
        const { state, reason } = await world.api.agent(AGENT);
        return state === "disconnected" && reason.includes("the agent's store may have been rolled back");
      });
      expect(await status(world)).not.toContain("store_rolled_back");
      const other = await world.agent("other", { transport });
      await other.start();
      await world.connected("other");

      await agent.stop();
      await adopt(data);
      await agent.start();
      await world.connected(AGENT);
      await fileHolds(world, AGENT, "kept", "four");
      await converges(world);
    });
  },
);
