import { readFile } from "node:fs/promises";
import { createAgent, type Agent } from "@hawser/agent";
import { pause, type Random, seededRandom, systemRandom, systemRuntime, systemTimers } from "@hawser/runtime";
import { createMemoryStore, type Store } from "@hawser/store";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { describe, expect, it, onTestFinished } from "vitest";
import { followOnCli } from "./support/cli-following.js";
import { becomes } from "./support/eventually.js";
import { MoodyWebhook, moods, type Heard } from "./support/moody-webhook.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

/** Longer in a long stage. */
const ROUNDS = Number(process.env["HAWSER_SINK_ROUNDS"] ?? 6);
const MAX_BEFORE_KILL_MS = 900;
const MAX_DOWN_MS = 150;
const AGENTS = ["edge-1", "edge-2"];
const RESOURCES = ["door_1", "lamp_1", "lift_1"];
/** The sink that hangs lets go of nothing, so the log has to have room for all; what it does when it is full is tried by itself. */
const ROOM = ["--event-log-max-entries", "1000000", "--event-log-max-entries-per-agent", "500000"];
const seed = Number(process.env["HAWSER_SEED"] ?? Math.floor(systemRandom.next() * 2 ** 31));

/** An agent of its own process's making, which outlives every principal. */
async function librarianAgent(
  fleet: TestFleet,
  name: string,
  store: Store = createMemoryStore(),
): Promise<Agent> {
  const agent = createAgent({
    name,
    store,
    dialer: createWebSocketDialer({
      url: `ws://${fleet.address}/v1/connect`,
      subprotocol: "cloudevents.json",
    }),
    reconnect: { backoffMaxMs: 500 },
    resend: { maxNackBackoffMs: 1_000 },
    handlers: {},
    runtime: systemRuntime(),
  });
  await agent.start();
  onTestFinished(async () => {
    await agent.stop();
  });
  return agent;
}

/** What an agent is behind by at most: however slow the machine and however many the kills, it is soon rid of that at the end. */
const MAX_BACKLOG = 500;

/** Sends events without a pause, until it is told to stop. */
class Reporter {
  readonly sent: string[] = [];
  #isRunning = true;
  readonly #loop: Promise<void>;

  constructor(agent: Agent, store: Store, name: string, random: Random) {
    this.#loop = this.#run(agent, store, name, random);
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
  }

  async #run(agent: Agent, store: Store, name: string, random: Random): Promise<void> {
    let count = 0;
    while (this.#isRunning) {
      count += 1;
      const resourceid = RESOURCES[Math.floor(random.next() * RESOURCES.length)] ?? "door_1";
      const id = `${name} ${String(count).padStart(6, "0")}`;
      await agent.publish({
        specversion: "1.0",
        id,
        source: "/e2e",
        type: "e2e.seen.v1",
        resourceid,
        data: { count },
      });
      this.sent.push(id);
      do await pause(systemTimers, random.next() * 30);
      while (this.#isRunning && ((await store.stats("principal"))?.pending ?? 0) > MAX_BACKLOG);
    }
  }
}

/** Which of those that were sent are missing, and what came out of order: of each resource of an agent the first of each event. */
function faultsOf(taken: readonly Heard[], sent: readonly string[]): readonly string[] {
  const ids = new Set(taken.map(({ id }) => id));
  const faults = sent.filter((id) => !ids.has(id)).map((id) => `${id} is missing`);
  const seen = new Set<string>();
  const newest = new Map<string, string>();
  for (const { id, resourceid, hawseragent } of taken) {
    if (seen.has(id)) continue;
    seen.add(id);
    const key = `${hawseragent} ${resourceid}`;
    const before = newest.get(key) ?? "";
    if (id < before) faults.push(`${key}: ${id} after ${before}`);
    newest.set(key, id);
  }
  return faults;
}

async function linesOf(fleet: TestFleet, name: string): Promise<readonly Heard[]> {
  const text = await readFile(fleet.path("principal", "sinks", `${name}.jsonl`), "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Heard);
}

async function hawser(fleet: TestFleet, ...args: readonly string[]): Promise<string> {
  const env = { HAWSER_SERVER: fleet.api.server, HAWSER_TOKEN_FILE: fleet.apiTokenFile };
  const { code, stdout, stderr } = await runProgram(PROGRAMS.cli, args, { env, cwd: fleet.directory });
  expect({ code, stderr, args }).toMatchObject({ code: 0 });
  return stdout;
}

interface SinkLine {
  readonly name: string;
  readonly lag: number;
  readonly state: string;
  readonly deadLetters: number;
}

async function sinksOf(fleet: TestFleet): Promise<readonly SinkLine[]> {
  return JSON.parse(await hawser(fleet, "sinks", "list", "--output", "json")) as readonly SinkLine[];
}

describe("events of agents", () => {
  it(`arrive at every sink through ${ROUNDS} kills of the principal and all moods of the receivers`, {
    timeout: 60_000 + ROUNDS * 10_000,
  }, async () => {
    const random = seededRandom(seed);
    const fleet = await createTestFleet(["--sinks-allow-local", ...ROOM]);
    await fleet.startPrincipal();
    const moody = moods(random);
    onTestFinished(() => moody.settle());
    const steady = new MoodyWebhook(() => "takes");
    const single = new MoodyWebhook(moody.next);
    const batch = new MoodyWebhook(moody.next);
    const hanging = new MoodyWebhook(() => "hangs");
    for (const [name, hook, args] of [
      ["steady", steady, []],
      ["single", single, []],
      ["batch", batch, ["--mode", "batch"]],
      ["hanging", hanging, []],
    ] as const) {
      onTestFinished(() => hook.stop());
      await hawser(
        fleet,
        "sinks",
        "add",
        name,
        "--webhook",
        await hook.start(),
        "--timeout",
        "500ms",
        ...args,
      );
    }
    await hawser(fleet, "sinks", "add", "file", "--file");

    const reporters = await Promise.all(
      AGENTS.map(async (name, at) => {
        const store = createMemoryStore();
        return new Reporter(
          await librarianAgent(fleet, name, store),
          store,
          name,
          seededRandom(seed + 1 + at),
        );
      }),
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(systemTimers, random.next() * MAX_BEFORE_KILL_MS);
      await fleet.principal.kill();
      await pause(systemTimers, random.next() * MAX_DOWN_MS);
      await fleet.startPrincipal();
    }
    for (const reporter of reporters) await reporter.stop();
    const sent = reporters.flatMap((reporter) => reporter.sent);
    moody.settle();

    await becomes(`seed ${seed}: all are recorded`, async () => {
      const recorded = await fleet.api.metric("hawser_event_log_events");
      if (recorded !== sent.length) throw new Error(`${recorded} of ${sent.length} were`);
      return true;
    });
    await becomes(
      `seed ${seed}: all sinks but the one that hangs have all`,
      async () => (await sinksOf(fleet)).every(({ name, lag }) => name === "hanging" || lag === 0),
      // What waits after an outage waits up to 5 minutes for its next try.
      400_000,
    );
    expect(sent.length, `seed ${seed}`).toBeGreaterThan(ROUNDS);
    for (const taken of [steady.taken, single.taken, batch.taken, await linesOf(fleet, "file")])
      expect(faultsOf(taken, sent), `seed ${seed}`).toEqual([]);
    const sinks = await sinksOf(fleet);
    expect(sinks.map(({ deadLetters }) => deadLetters)).toEqual(sinks.map(() => 0));
    expect(sinks.find(({ name }) => name === "hanging")).toMatchObject({ state: "failing" });
    // The log itself has each once.
    const recorded = (await hawser(fleet, "events", "--recorded", "--output", "jsonl"))
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: { id: string } }).event.id);
    expect(recorded.toSorted()).toEqual(sent.toSorted());
    console.log(
      `sinks: seed ${seed}, ${ROUNDS} kills, ${sent.length} events; repeats: steady ${steady.taken.length - sent.length}, single ${single.taken.length - sent.length}, batch ${batch.taken.length - sent.length}; moods ${JSON.stringify(Object.fromEntries(single.met))}`,
    );
  });

  it("stay at their agents while the log is full of what a sink waits for, and arrive afterwards", async () => {
    const fleet = await createTestFleet(["--sinks-allow-local", "--event-log-max-entries", "10"]);
    await fleet.startPrincipal();
    const hook = new MoodyWebhook(() => "takes");
    onTestFinished(() => hook.stop());
    await hawser(fleet, "sinks", "add", "hook", "--webhook", await hook.start());
    await hawser(fleet, "sinks", "pause", "hook");
    const agent = await librarianAgent(fleet, "edge-1");
    const sent: string[] = [];
    for (let count = 1; count <= 30; count += 1) {
      const id = String(count).padStart(6, "0");
      await agent.publish({
        specversion: "1.0",
        id,
        source: "/e2e",
        type: "e2e.seen.v1",
        resourceid: "lamp_1",
        data: count,
      });
      sent.push(id);
    }
    await becomes(
      "the log is full",
      async () => (await fleet.api.metric("hawser_event_log_refused_total")) > 0,
    );
    expect(await fleet.api.metric("hawser_event_log_events")).toBe(10);
    expect(hook.taken).toEqual([]);
    await hawser(fleet, "sinks", "resume", "hook");
    await becomes("all have arrived", () => hook.taken.length >= sent.length);
    expect(faultsOf(hook.taken, sent)).toEqual([]);
  });

  it("are followed over a restart of the principal without a gap", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const agent = await librarianAgent(fleet, "edge-1");
    const publish = (id: string): Promise<unknown> =>
      agent.publish({ specversion: "1.0", id, source: "/e2e", type: "e2e.seen.v1", resourceid: "lamp_1" });
    const follow = followOnCli(
      fleet.api.server,
      ["events", "--recorded", "--follow", "--since", "1h", "--output", "jsonl"],
      { HAWSER_TOKEN_FILE: fleet.apiTokenFile },
    );
    await publish("first");
    await becomes("the first is heard of", () => follow.stdout.includes('"first"'));
    await fleet.principal.kill();
    await publish("between");
    await fleet.startPrincipal();
    await publish("last");
    await becomes("the last is heard of", () => follow.stdout.includes('"last"'));
    expect(await follow.end("SIGINT")).toBe(0);
    const ids = follow.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: { id: string } }).event.id);
    expect(ids).toEqual(["first", "between", "last"]);
  });
});
