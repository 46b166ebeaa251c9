import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CloudEvent, emitterFor, httpTransport, Mode } from "cloudevents";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { becomes, eventually } from "./support/eventually.js";
import { PYTHON, pythonMissing } from "./support/foreign-python.js";
import type { ServiceProcess } from "./support/service-process.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// Clients that nobody here wrote, or that know nothing but the documents: PROTOCOL.md, API.md and the .proto files.

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const PROTO = fileURLToPath(new URL("../packages/protocol/proto", import.meta.url));
const missing = pythonMissing();

interface Stranger {
  readonly title: string;
  readonly missing: string | undefined;
  start(fleet: TestFleet, name: string): ServiceProcess;
}

const webSocket: Stranger = {
  title: "a bare ws client",
  missing: undefined,
  start: (fleet, name) =>
    fleet.service({
      name,
      program: fixture("foreign-ws-agent.mjs"),
      args: ["--name", name, "--address", fleet.address, "--memory", fleet.path(`${name}.json`)],
    }),
};

const python: Stranger = {
  title: "a generated gRPC client in Python",
  missing,
  start: (fleet, name) => {
    const generated = fleet.path("generated");
    const own = ["--name", name, "--address", fleet.address, "--memory", fleet.path(`${name}.json`)];
    const program = fixture("foreign-grpc-agent.py");
    return fleet.service({ name, interpreter: PYTHON, program, args: [...own, "--generated", generated] });
  },
};

async function generate(fleet: TestFleet): Promise<void> {
  await mkdir(fleet.path("generated"));
  const out = [`--python_out=${fleet.path("generated")}`, `--grpc_python_out=${fleet.path("generated")}`];
  const files = ["hawser/v1/hawser.proto", "io/cloudevents/v1/cloudevents.proto"];
  const made = spawnSync(PYTHON, ["-m", "grpc_tools.protoc", "-I", PROTO, ...out, ...files], {
    encoding: "utf8",
  });
  expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: "" });
}

const appliedSchema = z.object({
  resourceid: z.string(),
  eventid: z.string(),
  type: z.string(),
  data: z.json().optional(),
});
type Applied = z.infer<typeof appliedSchema>;

/** What the stranger says that it applied, over all its lives. */
async function appliedBy(stranger: ServiceProcess): Promise<readonly Applied[]> {
  const lines = await stranger.logLines();
  return lines.filter(({ msg }) => msg === "applied").map((line) => appliedSchema.parse(line));
}

const acceptedSchema = z.object({ resourceid: z.string(), eventid: z.string(), duplicate: z.boolean() });

/** The SDK gives the answer's body, and leaves the status to whoever asks. */
async function emit(
  fleet: TestFleet,
  agent: string,
  mode: Mode,
  event: CloudEvent<unknown>,
): Promise<unknown> {
  const { server, authorization } = fleet.api;
  const transport = httpTransport(`${server}/v1/agents/${agent}/events`);
  const answer = await emitterFor(transport, { mode })(event, { headers: authorization });
  return JSON.parse(z.object({ body: z.string() }).parse(answer).body);
}

async function order(fleet: TestFleet, agent: string, n: number): Promise<void> {
  const event = new CloudEvent({
    source: "/foreign",
    type: "com.example.order.v1",
    resourceid: "order_1",
    data: { n },
  });
  acceptedSchema.parse(await emit(fleet, agent, Mode.STRUCTURED, event));
}

const orders = async (stranger: ServiceProcess): Promise<readonly unknown[]> =>
  (await appliedBy(stranger)).filter(({ resourceid }) => resourceid === "order_1").map(({ data }) => data);

describe("the cloudevents SDK over HTTP", () => {
  it.each([Mode.STRUCTURED, Mode.BINARY])("%s: an event arrives as it was, once", async (mode) => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const agent = webSocket.start(fleet, "edge");
    await agent.start();
    const data = { text: "Ahoj, kapitáne ⚓", n: [1, 2.5, null] };
    const event = new CloudEvent({
      source: "/foreign",
      type: "com.example.greet.v1",
      resourceid: "hello_1",
      data,
    });
    const first = acceptedSchema.parse(await emit(fleet, "edge", mode, event));
    expect(first).toMatchObject({ resourceid: "hello_1", duplicate: false });
    expect(await emit(fleet, "edge", mode, event)).toEqual({ ...first, duplicate: true });
    const { resourceid, eventid } = first;
    const expected = { resourceid, eventid, type: "com.example.greet.v1", data };
    await becomes("it arrives", async () => (await appliedBy(agent)).length > 0);
    expect(await appliedBy(agent)).toEqual([expected]);
    await becomes("it is acknowledged", async () => (await fleet.api.agent("edge")).pending === 0);
  });

  it("what is wrong comes back as a problem with a code", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const event = new CloudEvent({ source: "/foreign", type: "com.example.greet.v1", data: {} });
    expect(await emit(fleet, "edge", Mode.BINARY, event)).toMatchObject({
      status: 400,
      code: "missing_resourceid",
    });
  });
});

describe.each([webSocket, python])("$title as an agent", (stranger) => {
  const why = stranger.missing === undefined ? "" : ` (skipped: ${stranger.missing})`;
  const test = it.skipIf(stranger.missing !== undefined);
  let fleet: TestFleet;

  async function begin(): Promise<ServiceProcess> {
    fleet = await createTestFleet(["--stop-window", "1s", "--stop-return", "0s"]);
    await fleet.startPrincipal();
    if (stranger === python) await generate(fleet);
    const agent = stranger.start(fleet, "edge");
    await agent.start();
    await fleet.connected("edge");
    return agent;
  }

  async function settled(): Promise<void> {
    await becomes("all is acknowledged", async () => (await fleet.api.agent("edge")).pending === 0);
  }

  test(`is given specs and commands, reports statuses, and leaves in order${why}`, async () => {
    const agent = await begin();
    const { uid, version } = await fleet.api.put("edge", "Lamp", "north", { lit: true });
    const told = await eventually("its status is there", async () => {
      const found = await fleet.api.resource("edge", "Lamp", "north");
      return found.state === "delivered" && found.observedVersion === version ? found : undefined;
    });
    expect(told.status).toMatchObject({ state: "made" });
    for (let n = 1; n <= 20; n += 1) await order(fleet, "edge", n);
    await settled();
    expect(await orders(agent)).toEqual(Array.from({ length: 20 }, (_, index) => ({ n: index + 1 })));
    const [spec] = await appliedBy(agent);
    expect(spec).toMatchObject({ resourceid: `north_${uid}`, type: "hawser.resource.spec.v1" });

    expect((await fleet.api.request("DELETE", "/v1/agents/edge/resources/Lamp/north")).status).toBe(202);
    await settled();
    expect((await fleet.api.request("GET", "/v1/agents/edge/resources/Lamp/north")).status).toBe(404);

    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    const ended = await fleet.principal.logged("its end", ({ msg }) => msg.startsWith("session ended"));
    expect(ended).toMatchObject({ end: "clean", level: "info" });
  });

  test(`survives a drain, a kill of the principal and one of itself; nothing is lost, or applied again once recorded${why}`, async () => {
    const agent = await begin();
    let sent = 0;
    const sendSome = async (): Promise<void> => {
      for (let n = 0; n < 10; n += 1) {
        sent += 1;
        await order(fleet, "edge", sent);
        await fleet.api.put("edge", "Lamp", "north", { turn: sent });
      }
    };
    await sendSome();
    expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
    await fleet.startPrincipal();
    await fleet.connected("edge");
    await sendSome();
    await fleet.principal.kill();
    await fleet.startPrincipal();
    await fleet.connected("edge");
    await sendSome();
    await agent.kill();
    await sendSome();
    await agent.start();
    expect((await fleet.connected("edge")).session.epoch).toBeGreaterThanOrEqual(4);
    await settled();

    const keys = (await appliedBy(agent)).map(({ resourceid, eventid }) => `${resourceid}@${eventid}`);
    // Its own kill may have come between doing and recording: that one event it does again, and no other.
    expect(keys.length - new Set(keys).size).toBeLessThanOrEqual(1);
    const done = (await orders(agent)).map((data) => z.object({ n: z.number() }).parse(data).n);
    expect([...new Set(done)]).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
    await becomes("the status is that of the newest spec", async () => {
      const { version, observedVersion, spec } = await fleet.api.resource("edge", "Lamp", "north");
      expect(spec).toEqual({ turn: sent });
      return observedVersion === version;
    });
  });
});

beforeAll(() => {
  if (missing !== undefined) process.stdout.write(`foreign-clients: no client in Python: ${missing}\n`);
});
