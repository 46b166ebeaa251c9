import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { z } from "zod";
import { makeCertificate } from "./support/certificates.js";
import { becomes } from "./support/eventually.js";
import { createTestFleet } from "./support/test-fleet.js";

// What an agent's own port tells whoever watches it, through the life of its principal.

const readySchema = z.object({ health: z.object({ host: z.string(), port: z.number() }) });
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

it("an agent is alive by itself, ready while it is connected, and counts what its handlers do", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = await fleet.agent("edge", { args: ["--health-listen", "127.0.0.1:0"] });
  const { health } = readySchema.parse(await agent.start());
  const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${health.port}${path}`);
  const becomesReady = (status: number): Promise<void> =>
    becomes(`/readyz answers ${status}`, async () => (await ask("/readyz")).status === status);
  const sample = async (name: string): Promise<number> => {
    const line = (await (await ask("/metrics")).text())
      .split("\n")
      .find((text) => text.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  };

  await becomesReady(200);
  await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "hello" });
  await becomes("it was applied", async () => (await sample("hawser_agent_events_applied_total")) === 1);
  await becomes("its status is there", async () => (await sample("hawser_agent_events_acked_total")) === 1);
  await becomes("nothing waits", async () => (await sample("hawser_agent_pending_events")) === 0);
  expect(await sample("hawser_agent_sessions_total")).toBe(1);

  await fleet.principal.kill();
  await becomesReady(503);
  expect((await ask("/livez")).status).toBe(200);
  expect(await sample('hawser_agent_state{state="connected"}')).toBe(0);
  await fleet.startPrincipal();
  await becomesReady(200);
  expect(await sample("hawser_agent_sessions_total")).toBe(2);
  expect(await agent.stop()).toEqual({ code: 0, signal: null });
});

it("a port that is taken keeps an agent from starting, and --check says so before", async () => {
  const fleet = await createTestFleet(["--health-listen", "127.0.0.1:0"]);
  await fleet.startPrincipal();
  const taken = `127.0.0.1:${fleet.health.port}`;
  const agent = await fleet.agent("edge", { args: ["--health-listen", taken] });
  await expect(agent.start()).rejects.toThrow("ended with 1");
  expect((await agent.logLines()).at(-1)).toMatchObject({ level: "error", code: "port_in_use" });
  await expect(agent.start(["--check"])).rejects.toThrow("ended with 1");
  expect(await agent.logText()).toMatch(/^port_in_use: --health-listen 127\.0\.0\.1 port \d+ is in use/m);
});

it.skipIf(!hasPromtool)(
  `the metrics are as Prometheus wants them${hasPromtool ? "" : " (no promtool here)"}`,
  async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const { cert, key } = makeCertificate(fleet.path("edge-tls"), { commonName: "edge" });
    const args = ["--url", "wss://127.0.0.1:1", "--tls-cert", cert, "--tls-key", key];
    const agent = await fleet.agent("edge", { args: ["--health-listen", "127.0.0.1:0", ...args] });
    const { health } = readySchema.parse(await agent.start());
    const url = `http://127.0.0.1:${health.port}/metrics`;
    await becomes("a try has failed", async () =>
      (await (await fetch(url)).text()).includes('hawser_agent_connection_failures_total{code="'),
    );
    const text = await (await fetch(url)).text();
    expect(text).toContain("hawser_agent_tls_certificate_not_after_seconds ");
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text });
    expect([status, String(stdout), String(stderr)]).toEqual([0, "", ""]);
  },
);
