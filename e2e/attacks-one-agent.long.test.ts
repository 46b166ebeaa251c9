import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CloudEvent, ControlMessage } from "@hawser/protocol";
import { expect, it } from "vitest";
import { controlBytes, eventBytes, sessionBytes, WELCOME } from "./support/agent-bytes.js";
import { expectHeld } from "./support/attack-damage.js";
import { AttackedPrincipal } from "./support/attacked-principal.js";
import { OPCODE, wsFrame } from "./support/raw-websocket.js";
import { COUNTER, FIRST_SOCKET, flood, REPEATED, together } from "./support/flood.js";

// What one agent with good credentials can make of the others: nothing.

const FOR_MS = 5_000;
/** In one write. */
const EVENTS = 200;
/** A bound of the log that is far below the megabytes a second it took once. */
const MAX_LOG_BYTES = 1_000_000;

/** Of one agent in the log of agents' events, by default. */
const MAX_LOGGED_EVENTS = 20_000;
const MAX_LOGGED_BYTES = 67_108_864;
const SEGMENT_BYTES = 16_777_216;

const EMPTY_CLOSE = wsFrame(OPCODE.close, "");

/** A small heap: what grows without end ends the process within seconds. */
const SMALL_HEAP = { NODE_OPTIONS: "--max-old-space-size=192" };

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const about = (type: string): CloudEvent => ({
  specversion: "1.0",
  id: COUNTER,
  source: "/agents/flooder",
  type,
  resourceid: `r${REPEATED}_u1`,
  eventid: REPEATED,
  subject: `Task/r${REPEATED}`,
  datacontenttype: "application/json",
  data: { state: "x".repeat(100) },
});

it.each([
  { what: "statuses", type: "hawser.resource.status.v1" },
  { what: "events, of which the log has its share,", type: "e2e.order.v1" },
])("$what about ever new resources are neither kept nor written without end", async ({ type }) => {
  const attacked = await AttackedPrincipal.start({ env: SMALL_HEAP, args: ["--window", "65536"] });
  const events = Buffer.concat(Array.from({ length: EVENTS }, () => eventBytes(about(type))));
  const flooder = flood({
    sockets: 1,
    opening: sessionBytes("flooder"),
    waitsFor: WELCOME,
    goesOn: { chunks: [events], everyMs: 0 },
  });
  // 100,000 rows of 150 bytes, and a window of 65,536 events.
  expectHeld(await attacked.measure(flooder, { forMs: FOR_MS }), 192);
  const { fleet } = attacked;
  expect((await fleet.principal.logText()).length).toBeLessThan(MAX_LOG_BYTES);
  const inLog = await bytesIn(fleet.path("principal", "events"));
  expect((await bytesIn(fleet.path("principal"))) - inLog).toBeLessThan(20_000_000);
  // What one agent may have in the log, and a segment that is being written and one that is still needed.
  expect(await fleet.api.metric("hawser_event_log_events")).toBeLessThanOrEqual(MAX_LOGGED_EVENTS);
  expect(inLog).toBeLessThan(MAX_LOGGED_BYTES + 2 * SEGMENT_BYTES);
});

it("four agents with long mailboxes, whose heartbeats come and who read nothing, cost no more than the window, and are cut", async () => {
  const heartbeats = ["--heartbeat-interval", "400ms", "--heartbeat-timeout", "1s"];
  const attacked = await AttackedPrincipal.start({ env: SMALL_HEAP, args: heartbeats });
  const { api } = attacked.fleet;
  const names = Array.from({ length: 4 }, (_, n) => `unread-${FIRST_SOCKET + n}`);
  const data = "x".repeat(950_000);
  await Promise.all(
    names.map(async (name) => {
      for (let n = 0; n < 40; n += 1)
        await api.post(name, {
          id: `e${n}`,
          type: "e2e.order.v1",
          resourceid: `order${n}_u1`,
          datacontenttype: "text/plain",
          data,
        });
    }),
  );
  const name = `unread-${COUNTER}`;
  const unread = flood({
    sockets: names.length,
    reads: false,
    opening: sessionBytes(name),
    waitsFor: WELCOME,
    goesOn: { chunks: [controlBytes(name, { type: "heartbeat", settled: "0" })], everyMs: 100 },
  });
  // 8 MiB a session, with what is encoded of it, and what waits in the sockets.
  expectHeld(await attacked.measure(unread, { forMs: FOR_MS }), 192);
  const lines = await attacked.fleet.principal.logLines();
  const cut = lines.filter(({ code }) => code === "slow_consumer").map(({ agent }) => agent);
  expect(names.filter((each) => !cut.includes(each))).toEqual([]);
  for (const each of names) expect((await api.agent(each)).pending).toBe(40);
});

it("sessions that take over one another and never answer a close take no place of others", async () => {
  const attacked = await AttackedPrincipal.start({ args: ["--max-sessions", "20"] });
  const takeovers = flood({ sockets: 200, opening: sessionBytes("twin") });
  expectHeld(await attacked.measure(takeovers, { forMs: FOR_MS }), 192);
  expect((await attacked.fleet.principal.logText()).length).toBeLessThan(MAX_LOG_BYTES);
});

it("ever new names that only say hello take no mailbox", async () => {
  const attacked = await AttackedPrincipal.start({ tokens: true });
  const names = flood({
    sockets: 50,
    freshNames: true,
    opening: sessionBytes(`name-${COUNTER}`, {}, attacked.authorization),
    waitsFor: WELCOME,
    goesOn: { chunks: [EMPTY_CLOSE], everyMs: 0, cycles: false },
  });
  expectHeld(await attacked.measure(names, { forMs: FOR_MS }), 128);
  const { fleet } = attacked;
  const isOne = ({ name }: { readonly name: string }): boolean => name.startsWith("name-");
  expect((await fleet.api.agents()).some(isOne)).toBe(true);
  // What is known of those who were here does not outlive the process; mailboxes do.
  await fleet.principal.stop();
  await fleet.startPrincipal();
  // Those of the last moment go some time after the start.
  await expect.poll(async () => (await fleet.api.agents()).filter(isOne)).toEqual([]);
});

it("agents that flood with heartbeats and with ACKs have their turn and no more", async () => {
  const attacked = await AttackedPrincipal.start();
  const messages: readonly ControlMessage[] = [
    { type: "heartbeat", settled: "0" },
    { type: "ack", acks: [{ resourceid: "r_u1", eventid: "1" }], recorded: 1 },
  ];
  const flooders = messages.map((message) =>
    flood({
      sockets: 1,
      opening: sessionBytes(message.type),
      waitsFor: WELCOME,
      goesOn: {
        chunks: [Buffer.concat(Array.from({ length: EVENTS }, () => controlBytes(message.type, message)))],
        everyMs: 0,
      },
    }),
  );
  expectHeld(await attacked.measure(together(...flooders), { forMs: FOR_MS }), 96);
});
