import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { pause, seededRandom, systemRandom, systemTimers } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeCertificate } from "./support/certificates.js";
import { becomes, eventually } from "./support/eventually.js";
import { FileWatch } from "./support/file-watch.js";
import { Publishers } from "./support/publishers.js";
import { PYTHON3 } from "./support/python3.js";
import type { LogLine, ServiceProcess } from "./support/service-process.js";
import { newToken, TokensFile } from "./support/tokens-file.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// The agent that was made of one page of PROTOCOL.md, at the principal as it is.

/** More in a long stage. */
const ROUNDS = Number(process.env["HAWSER_PYTHON_ROUNDS"] ?? 6);
/** What a round takes on a slow machine. */
const MAX_ROUND_MS = 20_000;
const CONVERGE_WITHIN_MS = 60_000;
/** From the moment it is connected, or from the last restart, to the next kill. */
const MAX_BEFORE_KILL_MS = 700;
const MAX_DOWN_MS = 150;
/** In the other rounds the next kill comes while the agent is still connecting. */
const WAIT_FOR_SESSION = 0.75;
/** It renews all the while as well, and does not wait for long. */
const QUICK = ["--reconnect-max", "1", "--renew-after", "0.8"];
const WRITTEN = ["a", "b"];
const DELETED = ["x", "y"];
const NAME = "snake";

const FOLDER = fileURLToPath(new URL("../examples/python-agent", import.meta.url));
const PROGRAM = join(FOLDER, "agent.py");
const DYING = fileURLToPath(new URL("fixtures/python-agent-that-dies.py", import.meta.url));
/** Steps of what it makes, records and says, before or behind one of which it ends itself. */
const MAX_STEPS = 60;
const seeds = process.env["HAWSER_SEED"];
const why = PYTHON3 === undefined ? "skipped: there is no python3 of 3.10 or newer with sqlite3 and ssl" : "";
if (why !== "") console.warn(`the agent in Python: ${why}`);

/** @throws where there is no Python, in which case no test is to come here */
function interpreter(): string {
  if (PYTHON3 === undefined) throw new Error("this test is not to run without python3");
  return PYTHON3;
}

function argsOf(fleet: TestFleet): readonly string[] {
  return ["--name", NAME, "--url", `ws://${fleet.address}`, "--data-dir", fleet.path(NAME)];
}

function pythonAgent(
  fleet: TestFleet,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): ServiceProcess {
  const own = [...argsOf(fleet), ...args];
  return fleet.service({ name: NAME, interpreter: interpreter(), program: PROGRAM, args: own, env });
}

async function settled(fleet: TestFleet): Promise<void> {
  await becomes("nothing is pending", async () => (await fleet.api.agent(NAME)).pending === 0);
}

const commandsSchema = z.array(
  z.object({ resourceid: z.string(), eventid: z.number(), data: z.object({ n: z.number() }) }),
);

/** The commands in the store of the agent, in the order in which it did them. It does not run. */
function commandsOf(fleet: TestFleet): z.infer<typeof commandsSchema> {
  const program = `
import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT resourceid, eventid, data FROM commands ORDER BY place")
print(json.dumps([{"resourceid": r, "eventid": e, "data": json.loads(d)} for r, e, d in rows]))`;
  const args = ["-c", program, fleet.path(NAME, "agent.db")];
  const text = execFileSync(interpreter(), args, { encoding: "utf8", maxBuffer: 1e9 });
  return commandsSchema.parse(JSON.parse(text));
}

const stepSchema = z.object({ resourceid: z.string(), eventid: z.string(), subject: z.string().nullish() });

/**
 * What its log says against the rules of delivery: nothing is applied again once it is recorded; a version is applied again only when the agent died in between; and neither a
 * resource nor a name goes back to an older version, whatever its uids.
 */
function checkLog(lines: readonly LogLine[]): {
  violations: readonly string[];
  applied: number;
  repeats: number;
} {
  const violations: string[] = [];
  const recorded = new Set<string>();
  const lifeOf = new Map<string, number>();
  const newest = new Map<string, number>();
  let life = 0;
  let repeats = 0;
  for (const line of lines) {
    if (line.msg === "started") life += 1;
    if (/^(broken|a message|a status)/.test(line.msg)) violations.push(JSON.stringify(line));
    if (line.msg !== "apply" && line.msg !== "recorded") continue;
    const { resourceid, eventid, subject } = stepSchema.parse(line);
    const key = `${resourceid}@${eventid}`;
    if (line.msg === "recorded") {
      recorded.add(key);
      continue;
    }
    if (recorded.has(key)) violations.push(`${key} was applied after it was recorded`);
    if (lifeOf.get(key) === life) violations.push(`${key} was applied twice in one life`);
    if (lifeOf.has(key)) repeats += 1;
    lifeOf.set(key, life);
    for (const each of [resourceid, ...(subject == null ? [] : [subject])]) {
      const before = newest.get(each) ?? 0;
      if (Number(eventid) < before) violations.push(`${key} was applied behind version ${before} of ${each}`);
      newest.set(each, Math.max(before, Number(eventid)));
    }
  }
  return { violations, applied: lifeOf.size, repeats };
}

/** What is still missing, in words. */
async function missing(
  fleet: TestFleet,
  publishers: Publishers,
  files: FileWatch,
): Promise<readonly string[]> {
  const found: string[] = [];
  const { state, pending, deadLetters } = await fleet.api.agent(NAME);
  if (state !== "connected" || pending > 0 || deadLetters > 0)
    found.push(`${NAME} is ${state} with ${pending} pending and ${deadLetters} dead letters`);
  const resources = await fleet.api.resources(NAME);
  for (const [path, { n, version }] of publishers.specs) {
    const name = path.split("/").at(-1) ?? "";
    const resource = resources.find((each) => each.name === name);
    if (resource?.version !== version)
      found.push(`${path}: ${version} was accepted last, not ${resource?.version}`);
    if (resource?.observedVersion !== version) found.push(`${path}: observed ${resource?.observedVersion}`);
    if ((await files.read(name)) !== n) found.push(`${path}: the note is of another write`);
  }
  for (const path of publishers.deleted) {
    const name = path.split("/").at(-1) ?? "";
    if (resources.some((each) => each.name === name)) found.push(`${path} is still a resource`);
    if (existsSync(fleet.path(NAME, "notes", name))) found.push(`${path} is still a note`);
  }
  return found;
}

/** It runs until it ends itself: just before, or just behind, something that it does. Its log is part of the agent's. */
async function dieBetweenSteps(fleet: TestFleet, { logFile }: ServiceProcess, steps: number): Promise<void> {
  const log = openSync(logFile, "a");
  const args = [DYING, FOLDER, String(steps), ...argsOf(fleet), ...QUICK];
  const child = spawn(interpreter(), args, { stdio: ["ignore", log, log] });
  closeSync(log);
  fleet.atEnd(async () => void child.kill("SIGKILL"));
  const [code, signal] = await once(child, "exit", { signal: AbortSignal.timeout(CONVERGE_WITHIN_MS) });
  expect({ code, signal }).toEqual({ code: null, signal: "SIGKILL" });
}

/** Kills and restarts at moments that the seed gives. */
async function killAgainAndAgain(
  fleet: TestFleet,
  agent: ServiceProcess,
  seed: number,
): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const kills: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    if (random.next() < WAIT_FOR_SESSION) await fleet.connected(NAME);
    await pause(systemTimers, random.next() * MAX_BEFORE_KILL_MS);
    const victim = random.next() < 0.5 ? fleet.principal : agent;
    kills.push(victim.name);
    await victim.kill();
    await pause(systemTimers, random.next() * MAX_DOWN_MS);
    if (victim === agent) await dieBetweenSteps(fleet, agent, 1 + Math.floor(random.next() * MAX_STEPS));
    await (victim === fleet.principal ? fleet.startPrincipal() : victim.start());
  }
  return kills;
}

async function survive(seed: number): Promise<void> {
  const fleet = await createTestFleet(["--log-level", "warn"]);
  await fleet.startPrincipal();
  const agent = pythonAgent(fleet, QUICK);
  await agent.start();
  const files = new FileWatch(fleet.path(NAME, "notes"), WRITTEN);
  const publishers = new Publishers(() => fleet.api);
  const note = (n: number): { text: string } => ({ text: FileWatch.content(n) });
  for (const name of WRITTEN) publishers.writeSpecs(NAME, "Note", name, note);
  for (const name of DELETED) publishers.writeAndDelete(NAME, "Note", name, note);
  for (const stream of ["r", "s"]) publishers.sendCommands(NAME, stream);

  const kills = await killAgainAndAgain(fleet, agent, seed);
  await publishers.stop();
  let left: readonly string[] = [];
  await becomes(
    "everything accepted is where it belongs",
    async () => {
      left = await missing(fleet, publishers, files);
      if (left.length > 0) throw new Error(left.slice(0, 10).join("; "));
      return true;
    },
    CONVERGE_WITHIN_MS,
  );
  await files.stop();
  expect(await agent.stop()).toEqual({ code: 0, signal: null });

  const done = commandsOf(fleet);
  const { violations, applied, repeats } = checkLog(await agent.logLines());
  const killed = (name: string): number => kills.filter((each) => each === name).length;
  console.log(
    `python: seed=${seed} kills of the principal=${killed("principal")} of the agent=${2 * killed(NAME)} accepted=${publishers.accepted} commands=${done.length} applied=${applied} repeats=${repeats}`,
  );
  expect(violations).toEqual([]);
  expect(files.violations).toEqual([]);
  expect(publishers.refusals).toEqual([]);
  // Each command was done once, however often it was sent, and nothing was made up.
  const keys = done.map(({ resourceid, eventid }) => `${resourceid}@${eventid}`);
  const accepted = [...(publishers.commands.get(NAME)?.values() ?? [])];
  expect(keys.toSorted()).toEqual(
    accepted.map(({ resourceid, eventid }) => `${resourceid}@${eventid}`).toSorted(),
  );
  const numbers = new Map<string, number[]>();
  for (const { resourceid, data } of done)
    numbers.set(resourceid, [...(numbers.get(resourceid) ?? []), data.n]);
  for (const inTurn of numbers.values()) expect(inTurn).toEqual(inTurn.toSorted((one, other) => one - other));
}

/** The end of its newest session, once there are so many. */
async function ended(agent: ServiceProcess, count: number): Promise<LogLine> {
  return eventually(`${count} sessions have ended`, async () =>
    (await agent.logLines()).filter(({ msg }) => msg === "ended").at(count - 1),
  );
}

describe.skipIf(why !== "")(`the agent in Python ${why}`.trim(), () => {
  it("comes back at once when it renews, at its slot after a drain, and with backoff otherwise", async () => {
    const fleet = await createTestFleet(["--stop-window", "1s"]);
    await fleet.startPrincipal();
    // Above 5 s, as a session that lived for less counts as a failure.
    const agent = pythonAgent(fleet, ["--renew-after", "5.1"]);
    await agent.start();
    expect(await ended(agent, 1)).toMatchObject({ code: 1000, next_try_in_s: 0 });
    await fleet.connected(NAME);
    await fleet.principal.stop();
    const drained = await ended(agent, 2);
    const notice = await agent.logged("the notice", ({ msg }) => msg === "drain");
    expect(drained).toMatchObject({ code: 1000 });
    // Counted from the notice, so a little of it is over.
    expect(Number(drained["next_try_in_s"])).toBeLessThanOrEqual(Number(notice["reconnect_after_ms"]) / 1000);
    await fleet.startPrincipal();
    await fleet.connected(NAME);
    const sessions = (await agent.logLines()).filter(({ msg }) => msg === "ended").length;
    await fleet.principal.kill();
    const { code, next_try_in_s: waitS } = await ended(agent, sessions + 1);
    expect(code).toBe(1006);
    expect(waitS).toBeGreaterThanOrEqual(0.25);
  });

  it("refuses for good what it cannot apply, and goes on", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    await pythonAgent(fleet).start();
    await fleet.api.put(NAME, "Lamp", "north", {});
    await fleet.api.put(NAME, "Note", "wrong", {});
    const text = "écrit\u2028😀";
    await fleet.api.put(NAME, "Note", "right", { text });
    const codes = await eventually("both are refused", async () => {
      const letters = await fleet.api.deadLetters(NAME);
      return letters.length < 2 ? undefined : letters.map(({ code }) => code);
    });
    expect(codes.toSorted()).toEqual(["handler_rejected", "no_handler"]);
    const { status } = await eventually("the other is reported", async () => {
      const resource = await fleet.api.resource(NAME, "Note", "right");
      return resource.status === undefined ? undefined : resource;
    });
    expect(status).toEqual({ state: "written", bytes: Buffer.byteLength(text) });
    expect(await readFile(fleet.path(NAME, "notes", "right"), "utf8")).toBe(text);
  });

  it("begins anew with a principal that lost its store, and after losing its own", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const agent = pythonAgent(fleet, QUICK);
    await agent.start();
    const order = async (id: string): Promise<void> => {
      await fleet.api.post(NAME, { id, type: "e2e.order.v1", resourceid: "order_17", data: { n: 1 } });
      await settled(fleet);
    };
    await fleet.api.put(NAME, "Note", "kept", { text: "one" });
    await order("first");
    await order("second");
    await fleet.principal.stop();
    await rm(fleet.path("principal"), { recursive: true });
    await fleet.startPrincipal();
    // The status of what only the agent remembers is about nothing here, and its versions are below those it had.
    await order("third");
    await fleet.api.put(NAME, "Note", "kept", { text: "two" });
    await settled(fleet);
    expect(await readFile(fleet.path(NAME, "notes", "kept"), "utf8")).toBe("two");
    expect(await agent.stop()).toMatchObject({ code: 0 });
    expect(commandsOf(fleet)).toHaveLength(3);
    await rm(fleet.path(NAME), { recursive: true });
    await agent.start();
    await becomes("it has its note again", () => existsSync(fleet.path(NAME, "notes", "kept")));
    await settled(fleet);
    expect(await fleet.api.resource(NAME, "Note", "kept")).toMatchObject({
      state: "delivered",
      status: { bytes: 3 },
    });
    await agent.stop();
    // What it had done is not done again.
    expect(commandsOf(fleet)).toEqual([]);
  });

  it("speaks TLS, shows its token, and waits for long where that is not its own", async () => {
    const [right, wrong] = [newToken(), newToken()];
    const tokens = await TokensFile.create([[NAME, right]]);
    const { cert, key } = makeCertificate(join(dirname(tokens.path), "principal"));
    const tls = ["--tls-cert", cert, "--tls-key", key];
    const fleet = await createTestFleet([...tls, "--agent-tokens-file", tokens.path]);
    await fleet.startPrincipal();
    const shown = fleet.path("shown-token");
    const args = ["--url", `wss://${fleet.address}`, "--token-file", shown];
    const agent = pythonAgent(fleet, args, { SSL_CERT_FILE: cert });
    await writeFile(shown, wrong);
    await agent.start();
    const { code, next_try_in_s: waitS } = await ended(agent, 1);
    expect(code).toBe(4003);
    expect(waitS).toBeGreaterThanOrEqual(15);
    await agent.stop();
    await writeFile(shown, right);
    await agent.start();
    await fleet.connected(NAME);
  });

  it(`loses nothing, does nothing twice, never goes back: ${ROUNDS} times SIGKILL of it and of the principal`, {
    timeout: CONVERGE_WITHIN_MS + (ROUNDS + 2) * MAX_ROUND_MS,
  }, async () => {
    const seed = seeds === undefined ? Math.floor(systemRandom.next() * 2 ** 31) : Number(seeds);
    // Printed first as well: a run that hangs has to be repeatable too.
    console.log(`python: HAWSER_SEED=${seed}`);
    await survive(seed);
  });
});
