import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { BYTE_STREAMS } from "../support/fuzz/byte-streams.js";
import { pick } from "../support/fuzz/draws.js";
import { fuzz, fuzzPlan, shown } from "../support/fuzz/fuzz.js";
import { residentBytes, SMALL_HEAP } from "../support/fuzz/process-memory.js";
import { eventRequest, type FuzzRequest } from "../support/fuzz/requests.js";
import { writeToPort } from "../support/fuzz/write-to-port.js";
import { PROGRAMS } from "../support/programs.js";
import { createTestFleet } from "../support/test-fleet.js";

const LONG_MS = 4 * 60 * 60_000;
const MAX_RESIDENT_BYTES = 400_000_000;
/** Connections at once: fewer than the agent holds, so that none of them is turned away for the others. */
const AT_ONCE = 32;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Undefined for what Node's own client refuses to send. */
async function ask(socketPath: string, { headers, body }: FuzzRequest): Promise<Answer | undefined> {
  try {
    const options = { socketPath, method: "POST", path: "/v1/events", agent: false };
    const sent = request({ ...options, headers: Object.fromEntries(headers) });
    sent.end(body);
    const [incoming] = await once(sent, "response");
    sent.on("error", () => {});
    return { status: incoming.statusCode, body: await text(incoming) };
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

it("whatever a program writes to an agent's socket, the agent goes on", { timeout: LONG_MS }, async () => {
  const fleet = await createTestFleet();
  const socket = fleet.path("agent.sock");
  const args = ["--name", "fuzz", "--url", "ws://127.0.0.1:9", "--data-dir", fleet.path("data")];
  const agent = fleet.service({
    name: "fuzz",
    program: PROGRAMS.agent,
    args: [...args, "--socket", socket, "--log-level", "error"],
    env: SMALL_HEAP,
  });
  await agent.start();
  const { pid } = agent;
  const statuses = new Map<number, number>();
  let open: Promise<unknown>[] = [];
  await fuzz("the agent's socket", fuzzPlan(400, 0.2), async (random) => {
    const stream = pick(random, BYTE_STREAMS);
    const written = stream.bytes(random);
    const event = eventRequest(random);
    open.push(
      writeToPort({ path: socket }, written).catch((cause: unknown) => {
        throw new Error(`${stream.name}: ${shown(written)}`, { cause });
      }),
      ask(socket, event).then((answer) => {
        if (answer === undefined) return;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status >= 500 && answer.status !== 503 && answer.status !== 507)
          throw new Error(
            `${answer.status} ${answer.body} for ${JSON.stringify(event.headers)} ${shown(event.body ?? Buffer.alloc(0))}`,
          );
      }),
    );
    if (open.length < AT_ONCE) return;
    await Promise.all(open);
    open = [];
    if (!agent.running) throw new Error(`the agent is gone after ${stream.name}: ${shown(written)}`);
  });
  await Promise.all(open);
  expect(agent.pid).toBe(pid);
  expect(statuses.get(202) ?? 0).toBeGreaterThan(0);
  expect(await agent.logText()).not.toMatch(/uncaught|unhandled/i);
  const resident = (await residentBytes(pid)) ?? 0;
  console.log(
    `fuzz: the agent's socket, ${JSON.stringify(Object.fromEntries(statuses))}, ${Math.round(resident / 1e6)} MB afterwards`,
  );
  expect(resident).toBeLessThan(MAX_RESIDENT_BYTES);
});
