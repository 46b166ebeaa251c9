import { createServer } from "node:net";
import { busiestSecond } from "@hawser/bench/fleet";
import { pause, systemClock, systemTimers } from "@hawser/runtime";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { becomes } from "./support/eventually.js";
import { Storm, type StormPrincipal } from "./support/storm.js";

const AGENTS = 2_000;
const WINDOW_S = 20;
/** What the first connection of all takes; not what is measured. */
const FIRST_MS = 60_000;
/** A session younger than that counts as a failure when it ends. */
const SHORT_SESSION_MS = 5_000;
const EVENTS_PER_SECOND = 100;
/** A tenth above what the slots make, so that a process that stood still for a moment does not make up for it in a burst. */
const CALM_RATE = "110";

let storm: Storm | undefined;

afterEach(async () => {
  await storm?.close();
  storm = undefined;
});

async function stormOf(agents: number): Promise<Storm> {
  storm = await Storm.create(agents);
  return storm;
}

function figures(name: string, values: Readonly<Record<string, number>>): void {
  const parts = Object.entries(values).map(([key, value]) => `${key}=${Math.round(value * 1_000) / 1_000}`);
  process.stdout.write(`storm: ${name} ${parts.join(" ")}\n`);
}

/** A port that is free now, for a principal that has to come back to the same one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Unix milliseconds at which the principal let agents in since `from`, by its own log. */
async function admissions(principal: StormPrincipal, from: number): Promise<number[]> {
  const lines = await principal.process.logLines();
  const opened = lines.filter(({ msg }) => msg === "session opened");
  const admitted = opened.map(({ time, handshake_ms }) => Date.parse(String(time)) - Number(handshake_ms));
  return admitted.filter((at) => at >= from);
}

/** How moments are spread over time; the mean is that of the whole. */
function spreadOf(moments: readonly number[]): { seconds: number; mean: number; busiest: number } {
  const seconds = Math.max(1, (Math.max(...moments) - Math.min(...moments)) / 1_000);
  return { seconds, mean: moments.length / seconds, busiest: busiestSecond(moments) };
}

const drainedSchema = z.object({ sessions: z.number(), cut_off: z.number(), unsettled: z.number() });

it("handover: 2,000 agents go over to a second principal evenly, and nothing is lost", async () => {
  const storm = await stormOf(AGENTS);
  const stop = ["--stop-shape", "handover", "--stop-window", `${WINDOW_S}s`];
  const first = storm.principal("first", [...stop, "--admission-rate", "2000"]);
  const second = storm.principal("second", ["--admission-rate", CALM_RATE]);
  await first.start();
  await second.start();
  await storm.fleet(first.port);
  await storm.allConnected(FIRST_MS);
  await pause(systemTimers, SHORT_SESSION_MS);
  storm.publish(second, EVENTS_PER_SECOND);
  for (let agent = 0; agent < 200; agent += 1) await storm.send(first, agent);
  await storm.reset();

  // The load balancer: new connections go to the second as soon as the first stops being ready.
  const stopped = first.process.stop();
  await becomes("the first is not ready any more", async () => !(await first.isReady()));
  await storm.aim(second.port);
  expect(await stopped).toEqual({ code: 0, signal: null });
  await storm.allConnected(FIRST_MS);
  await storm.stopPublishing();
  await becomes("everything is applied", async () => (await storm.missing()) === 0);

  const { opened, appliedTwice, p99DelayMs } = await storm.report();
  const { seconds, mean, busiest } = spreadOf(await admissions(second, 0));
  const drained = drainedSchema.parse(
    await first.process.logged("the report", ({ msg }) => msg === "drained"),
  );
  figures("handover", { agents: opened.length, seconds, mean, busiest, p99DelayMs, events: storm.accepted });
  expect(opened).toHaveLength(AGENTS);
  expect(drained).toEqual({ sessions: AGENTS, cut_off: 0, unsettled: 0 });
  expect(busiest).toBeLessThanOrEqual(1.25 * mean);
  expect(appliedTwice).toBe(0);
});

it("restart: 2,000 agents come back one after the other, and the report says what comes again", async () => {
  const storm = await stormOf(AGENTS);
  const args = ["--stop-window", `${WINDOW_S}s`, "--stop-return", "12s", "--admission-ramp", "0s"];
  const principal = storm.principal("principal", [...args, "--admission-rate", "2000"], await freePort());
  await principal.start();
  await storm.fleet(principal.port);
  await storm.allConnected(FIRST_MS);
  await pause(systemTimers, SHORT_SESSION_MS);
  storm.publish(principal, EVENTS_PER_SECOND);
  await pause(systemTimers, 2_000);
  // Longer than a drain waits, and than an agent waits for its handlers: these are left, and come again.
  const slow = 50;
  for (let agent = 0; agent < slow; agent += 1) await storm.send(principal, agent, 15_000);
  await storm.reset();

  expect(await principal.process.stop()).toEqual({ code: 0, signal: null });
  const stoppedAt = systemClock.wallTime();
  await principal.start(["--admission-rate", CALM_RATE]);
  await storm.allConnected(FIRST_MS);
  await storm.stopPublishing();
  await becomes("everything is applied", async () => (await storm.missing()) === 0);

  const { opened, appliedTwice, redelivered, maxDelayMs, p99DelayMs } = await storm.report();
  const { seconds, mean, busiest } = spreadOf(await admissions(principal, stoppedAt));
  const drained = drainedSchema.parse(
    await principal.process.logged("the report", ({ msg }) => msg === "drained"),
  );
  const { unsettled } = drained;
  figures("restart", {
    agents: opened.length,
    seconds,
    mean,
    busiest,
    unsettled,
    redelivered,
    maxDelayMs,
    p99DelayMs,
  });
  expect(opened).toHaveLength(AGENTS);
  expect(busiest).toBeLessThanOrEqual(1.25 * mean);
  expect(drained.cut_off).toBe(slow);
  expect(drained.unsettled).toBeGreaterThanOrEqual(slow);
  expect(redelivered).toBe(drained.unsettled);
  expect(appliedTwice).toBe(0);
  expect(maxDelayMs).toBeLessThanOrEqual(2_000);
});

it("SIGKILL: 2,000 agents are let in at 200 a second and never faster", async () => {
  const storm = await stormOf(AGENTS);
  const rate = 200;
  const args = ["--admission-rate", "2000", "--admission-ramp", "0s"];
  const principal = storm.principal("principal", args, await freePort());
  await principal.start();
  await storm.fleet(principal.port);
  await storm.allConnected(FIRST_MS);
  for (let agent = 0; agent < 200; agent += 1) await storm.send(principal, agent);
  await storm.reset();

  await principal.process.kill();
  const began = systemClock.wallTime();
  await principal.start(["--admission-rate", String(rate), "--admission-ramp", "0s"]);
  const upAt = systemClock.wallTime();
  await storm.allConnected(FIRST_MS);
  await becomes("everything is applied", async () => (await storm.missing()) === 0);

  const { opened, appliedTwice } = await storm.report();
  const allBackSeconds = (Math.max(...opened) - upAt) / 1_000;
  const busiest = busiestSecond(await admissions(principal, began));
  figures("sigkill", {
    agents: opened.length,
    downSeconds: (upAt - began) / 1_000,
    allBackSeconds,
    busiest,
    rate,
  });
  expect(opened).toHaveLength(AGENTS);
  expect(busiest).toBeLessThanOrEqual(1.1 * rate);
  expect(allBackSeconds).toBeLessThanOrEqual(1.4 * (AGENTS / rate));
  expect(appliedTwice).toBe(0);
});

it("start: while 2,000 agents hammer the port, the self-login comes first and nobody is served before it is open", async () => {
  const storm = await stormOf(AGENTS);
  const port = await freePort();
  await storm.fleet(port);
  await pause(systemTimers, 2_000);
  const principal = storm.principal(
    "principal",
    ["--internal-listen", "127.0.0.1:0", "--stable-for", "1s"],
    port,
  );
  await principal.start();
  await storm.allConnected(FIRST_MS);
  const lines = await principal.process.logLines();
  const sessions = lines.flatMap((line, index) =>
    line.msg === "session opened" ? [{ index, agent: line["agent"] }] : [],
  );
  const ready = lines.findIndex(({ msg }) => msg === "principal ready");
  expect(sessions[0]?.agent).toBe("hawser.self");
  expect(sessions.filter(({ index }) => index < ready).map(({ agent }) => agent)).toEqual(["hawser.self"]);
  figures("start", { agents: sessions.length - 1, busiest: busiestSecond((await storm.report()).opened) });
});
