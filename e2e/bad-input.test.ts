import { connect } from "node:net";
import { CLOSE_CODES, LIMITS, type CloudEvent } from "@hawser/protocol";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Bystander } from "./support/bystander.js";
import { becomes, eventually } from "./support/eventually.js";
import { HostileAgent } from "./support/hostile-agent.js";
import { grpcMessage } from "./support/raw-grpc.js";
import { OPCODE, RawWebSocket, wsFrame } from "./support/raw-websocket.js";
import type { WireEnd } from "./support/wire.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

/** One principal for all of it: what one agent does wrong is nobody else's business, however much of it there is. */
let fleet: TestFleet;
let bystander: Bystander;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
  bystander = new Bystander(fleet);
  await bystander.start();
});

afterEach(() => bystander.isUnharmed());

/** What the operator sees of it: a line of the principal's log with the code, and how the agent's last session ended. */
async function isToldToTheOperator(agent: string, code: string): Promise<void> {
  const line = await fleet.principal.logged(
    `${code} of ${agent}`,
    (candidate) => candidate["code"] === code && candidate["agent"] === agent,
  );
  const { reason } = await eventually(`${agent} is away`, async () => {
    const found = await fleet.api.agent(agent);
    return found.state === "disconnected" ? found : undefined;
  });
  expect(line.msg).toContain(reason);
}

function expectClosed(end: WireEnd, code: number, reason: RegExp): void {
  expect(end).toEqual({ code, reason: expect.stringMatching(reason) as string });
}

/** Waits in the mailbox while its agent misbehaves. */
async function acceptedFor(agent: string): Promise<string> {
  const { resourceid, eventid } = await fleet.api.post(agent, {
    id: "before",
    type: "e2e.order.v1",
    resourceid: "order_u1",
  });
  return `${resourceid}@${eventid}`;
}

/** A session of the same agent that behaves gets what was accepted before. */
async function arrivesLater(agent: string, accepted: string): Promise<void> {
  const better = await HostileAgent.overWebSocket(agent, fleet.listen);
  await better.openSession();
  await becomes("what was accepted arrives", () =>
    better.wire.frames.some((frame) => {
      const event = JSON.parse(frame) as { resourceid?: string; eventid?: string };
      return `${event.resourceid}@${event.eventid}` === accepted;
    }),
  );
  better.wire.cut();
}

const event = (attributes: Partial<CloudEvent>): CloudEvent => ({
  specversion: "1.0",
  id: "e1",
  source: "/agents/hostile",
  type: "e2e.report.v1",
  ...attributes,
});

describe("on a WebSocket", () => {
  it("garbage: close 1007 invalid_event", async () => {
    const agent = await HostileAgent.overWebSocket("garbage-ws", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    agent.wire.sendFrame('{"specversion":"1.0",,,');
    expectClosed(await agent.wire.ended, CLOSE_CODES.invalidPayload, /JSON/);
    await isToldToTheOperator(agent.name, "invalid_event");
    await arrivesLater(agent.name, accepted);
  });

  it("an oversized frame: close 1009 frame_too_large, before it is there", async () => {
    const agent = await HostileAgent.overWebSocket("oversized-ws", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    // Only its length is sent: nobody has to take in the rest to know.
    agent.wire.sendBytes(wsFrame(OPCODE.text, "{", LIMITS.maxFrameBytes + 1));
    expectClosed(
      await agent.wire.ended,
      CLOSE_CODES.frameTooLarge,
      new RegExp(`at most ${LIMITS.maxFrameBytes} bytes`),
    );
    await isToldToTheOperator(agent.name, "frame_too_large");
    await arrivesLater(agent.name, accepted);
  });

  it("a truncated frame: the connection is lost, not closed", async () => {
    const agent = await HostileAgent.overWebSocket("truncated-ws", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    agent.wire.sendBytes(wsFrame(OPCODE.text, '{"specversion":', 4_000));
    agent.wire.cut();
    await isToldToTheOperator(agent.name, "connection_closed");
    await arrivesLater(agent.name, accepted);
  });

  it("a wrong subprotocol: HTTP 400 unsupported_subprotocol", async () => {
    const answer = await RawWebSocket.open(fleet.listen, { "sec-websocket-protocol": "cloudevents.avro" });
    if (answer instanceof RawWebSocket) throw new Error("it was taken");
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      error: { code: "unsupported_subprotocol", message: expect.stringContaining("cloudevents.json") },
    });
  });

  it("a wrong protocol version: refuse and close 4005 unsupported_version", async () => {
    const agent = await HostileAgent.overWebSocket("wrong-version", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    agent.hello({ protocol_versions: ["99"] });
    expect(await agent.heard("refuse")).toMatchObject({ code: "unsupported_version" });
    expectClosed(await agent.wire.ended, CLOSE_CODES.unsupportedVersion, /99/);
    await fleet.principal.logged(
      "the refusal",
      (line) => line["code"] === "unsupported_version" && line.msg.includes("99"),
    );
    await arrivesLater(agent.name, accepted);
  });

  it("an unknown type: permanent NACK unknown_type, and the session goes on", async () => {
    const agent = await HostileAgent.overWebSocket("unknown-type", fleet.listen);
    await agent.openSession();
    agent.send(event({ type: "hawser.resource.rumour.v1", resourceid: "a_1", eventid: "1" }));
    expect(await agent.heard("nack")).toMatchObject({
      resourceid: "a_1",
      eventid: "1",
      retryable: false,
      code: "unknown_type",
    });
    await fleet.principal.logged(
      "the refused event",
      (line) => line["code"] === "unknown_type" && line["agent"] === agent.name,
    );
    expect((await fleet.api.agent(agent.name)).state).toBe("connected");
    agent.wire.cut();
  });

  it("a number that cannot be kept: permanent NACK invalid_event, and the session goes on", async () => {
    const agent = await HostileAgent.overWebSocket("large-number", fleet.listen);
    await agent.openSession();
    const report = event({ resourceid: "a_1", eventid: "1", data: { n: 1 } });
    agent.wire.sendFrame(JSON.stringify(report).replace('"n":1', '"n":9007199254740993'));
    expect(await agent.heard("nack")).toMatchObject({
      resourceid: "a_1",
      eventid: "1",
      retryable: false,
      code: "invalid_event",
      message: expect.stringContaining("9007199254740993") as string,
    });
    await fleet.principal.logged(
      "the refused event",
      (line) => line["code"] === "invalid_event" && line["agent"] === agent.name,
    );
    expect((await fleet.api.agent(agent.name)).state).toBe("connected");
    agent.wire.cut();
  });

  it("a missing resourceid: close 1002 missing_resourceid", async () => {
    const agent = await HostileAgent.overWebSocket("no-resourceid", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    agent.send(event({ eventid: "1" }));
    expectClosed(await agent.wire.ended, CLOSE_CODES.protocolError, /resourceid/);
    await isToldToTheOperator(agent.name, "missing_resourceid");
    await arrivesLater(agent.name, accepted);
  });

  it("a non-decimal eventid: close 1002 invalid_eventid", async () => {
    const agent = await HostileAgent.overWebSocket("odd-eventid", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    agent.send(event({ resourceid: "a_1", eventid: "0x1f" }));
    expectClosed(await agent.wire.ended, CLOSE_CODES.protocolError, /eventid/);
    await isToldToTheOperator(agent.name, "invalid_eventid");
    await arrivesLater(agent.name, accepted);
  });
});

describe("on a gRPC stream", () => {
  it("garbage: close 1007 invalid_event", async () => {
    const agent = await HostileAgent.overGrpc("garbage-grpc", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    agent.wire.sendFrame(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expectClosed(await agent.wire.ended, CLOSE_CODES.invalidPayload, /./);
    await isToldToTheOperator(agent.name, "invalid_event");
    await arrivesLater(agent.name, accepted);
  });

  it("an event with a bad attribute: permanent NACK invalid_event, and the session goes on", async () => {
    const agent = await HostileAgent.overGrpc("bad-attribute-grpc", fleet.listen);
    await agent.openSession();
    agent.send(event({ resourceid: "a_1", eventid: "1", subject: "" }));
    expect(await agent.heard("nack")).toMatchObject({
      resourceid: "a_1",
      eventid: "1",
      retryable: false,
      code: "invalid_event",
    });
    expect((await fleet.api.agent(agent.name)).state).toBe("connected");
    agent.wire.cut();
  });

  it("an oversized frame: close 1009 frame_too_large", async () => {
    const agent = await HostileAgent.overGrpc("oversized-grpc", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    agent.wire.sendBytes(grpcMessage(Buffer.alloc(LIMITS.maxFrameBytes + 1)));
    expectClosed(await agent.wire.ended, CLOSE_CODES.frameTooLarge, /large|size|bytes/i);
    await isToldToTheOperator(agent.name, "frame_too_large");
    await arrivesLater(agent.name, accepted);
  });

  it("a truncated frame: the connection is lost, not closed", async () => {
    const agent = await HostileAgent.overGrpc("truncated-grpc", fleet.listen);
    const accepted = await acceptedFor(agent.name);
    await agent.openSession();
    agent.wire.sendBytes(grpcMessage(Buffer.from([10, 1]), 4_000));
    agent.wire.cut();
    await isToldToTheOperator(agent.name, "connection_closed");
    await arrivesLater(agent.name, accepted);
  });
});

describe("at the API", () => {
  const path = "/v1/agents/publisher/events";
  const type = "application/cloudevents+json";
  const command = { specversion: "1.0", id: "1", source: "/e2e", type: "e2e.order.v1", resourceid: "o_1" };

  it.each([
    ["garbage", "{,}", 400, "invalid_event", /line 1/],
    [
      "an unknown type",
      { ...command, type: "hawser.resource.rumour.v1" },
      400,
      "unknown_type",
      /hawser\.resource\.rumour\.v1/,
    ],
    ["a missing resourceid", { ...command, resourceid: undefined }, 400, "missing_resourceid", /resourceid/],
    ["an eventid", { ...command, eventid: "7" }, 400, "invalid_event", /eventid/],
    [
      "an event that is too large",
      { ...command, data: "x".repeat(LIMITS.maxEventBytes) },
      413,
      "event_too_large",
      /bytes/,
    ],
    ["a body that is too large", "x".repeat(LIMITS.maxFrameBytes + 1), 413, "event_too_large", /bytes/],
  ])("%s: a problem with its code, and nothing accepted", async (_name, body, status, code, detail) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await fleet.api.request("POST", path, text, type);
    expect(answer.body).toMatchObject({ type: `urn:hawser:error:${code}`, code, status });
    expect(answer.status).toBe(status);
    expect((answer.body as { detail: string }).detail).toMatch(detail);
    expect((await fleet.api.request("GET", "/v1/agents/publisher")).status).toBe(404);
  });
});

describe("on the front port", () => {
  it("bytes that are neither HTTP/1.1 nor HTTP/2 are turned away", async () => {
    const socket = connect(fleet.listen.port, fleet.listen.host);
    const closed = new Promise<void>((resolve) => {
      socket.on("close", () => resolve());
    });
    socket.on("error", () => {});
    socket.resume();
    socket.write(Buffer.from([0, 1, 2, 3, 0xff, 0xfe, 13, 10, 13, 10]));
    await closed;
  });
});
