import { type CloudEvent, jsonCodec, LIMITS, protobufCodec } from "@hawser/protocol";
import { describe, expect, test } from "vitest";
import { createWebSocketAcceptor, createWebSocketDialer } from "./index.js";
import { maxFragmentsOf } from "./stream-settings.js";
import { type Accepted, type Listening, listening, opened } from "./testing/listening.js";
import { OPCODES, type RawFrame, RawPeer, upgradeRequest } from "./testing/raw-peer.js";

const JSON_PROTOCOL = "cloudevents.json";
const PROTO_PROTOCOL = "cloudevents.proto";

function numbered(id: string): CloudEvent {
  return { specversion: "1.0", id, source: "/test", type: "com.example.test.v1" };
}

interface Stage extends Listening {
  /** Proves that a connection opened before the attack still carries events both ways. */
  neighbourIsWell(): Promise<void>;
}

async function setStage(handshakeTimeoutMs = 10_000): Promise<Stage> {
  const stage = await listening(createWebSocketAcceptor({ handshakeTimeoutMs }));
  const dialer = createWebSocketDialer({ url: `ws://127.0.0.1:${stage.port}`, subprotocol: JSON_PROTOCOL });
  const [dialled, server] = await Promise.all([dialer.dial(), stage.accepted()]);
  const client = opened(dialled);
  return {
    ...stage,
    async neighbourIsWell() {
      client.connection.send(numbered("up"));
      expect((await server.next()).id).toBe("up");
      server.connection.send(numbered("down"));
      expect((await client.next()).id).toBe("down");
    },
  };
}

interface Attack {
  readonly peer: RawPeer;
  readonly server: Accepted;
}

async function attack(stage: Stage, subprotocol: string, trust: "trusted" | "unknown"): Promise<Attack> {
  const [peer, server] = await Promise.all([RawPeer.upgraded(stage.port, subprotocol), stage.accepted()]);
  if (trust === "trusted") server.connection.trust();
  return { peer, server };
}

const TEXT = jsonCodec.encode(numbered("good"));
const BINARY = protobufCodec.encode(numbered("good"));

const BAD_FRAMES: readonly (readonly [string, string, number, RawFrame])[] = [
  ["text on proto", PROTO_PROTOCOL, 1003, { opcode: OPCODES.text, payload: TEXT }],
  ["binary on json", JSON_PROTOCOL, 1003, { opcode: OPCODES.binary, payload: BINARY }],
  ["an unmasked frame", JSON_PROTOCOL, 1002, { opcode: OPCODES.text, payload: TEXT, masked: false }],
  [
    "invalid UTF-8",
    JSON_PROTOCOL,
    1007,
    { opcode: OPCODES.text, payload: Buffer.from([0x22, 0xc3, 0x28, 0x22]) },
  ],
  ["text that is not JSON", JSON_PROTOCOL, 1007, { opcode: OPCODES.text, payload: "hello" }],
  ["JSON that is not a CloudEvent", JSON_PROTOCOL, 1007, { opcode: OPCODES.text, payload: '{"id":1}' }],
  [
    "a resourceid that is no text",
    JSON_PROTOCOL,
    1002,
    { opcode: OPCODES.text, payload: TEXT.replace("{", '{"resourceid":1,') },
  ],
  [
    "an eventid that is no text",
    JSON_PROTOCOL,
    1002,
    { opcode: OPCODES.text, payload: TEXT.replace("{", '{"eventid":1,') },
  ],
  ["a JSON batch", JSON_PROTOCOL, 1007, { opcode: OPCODES.text, payload: `[${TEXT}]` }],
  ["an empty message", JSON_PROTOCOL, 1007, { opcode: OPCODES.text }],
  ["an empty message on proto", PROTO_PROTOCOL, 1007, { opcode: OPCODES.binary }],
  [
    "a truncated message on proto",
    PROTO_PROTOCOL,
    1007,
    { opcode: OPCODES.binary, payload: BINARY.subarray(0, 9) },
  ],
  ["a reserved bit", JSON_PROTOCOL, 1002, { opcode: OPCODES.text, payload: TEXT, reserved: 4 }],
  ["an unknown opcode", JSON_PROTOCOL, 1002, { opcode: 3, payload: TEXT }],
  ["a continuation of nothing", JSON_PROTOCOL, 1002, { opcode: OPCODES.continuation, payload: TEXT }],
  ["a fragmented ping", JSON_PROTOCOL, 1002, { opcode: OPCODES.ping, fin: false }],
  [
    "a close code nobody may send",
    JSON_PROTOCOL,
    1002,
    { opcode: OPCODES.close, payload: Buffer.from([0x03, 0xee]) },
  ],
  [
    "2 MiB announced, nothing of it sent",
    JSON_PROTOCOL,
    1009,
    { opcode: OPCODES.text, announcedLength: 2_097_152 },
  ],
  ["more than 2^53 bytes announced", JSON_PROTOCOL, 1009, { opcode: OPCODES.text, announcedLength: 2 ** 60 }],
];

const MAX_BYTES = { trusted: LIMITS.maxFrameBytes, unknown: LIMITS.maxHelloBytes } as const;
const TRUSTS = ["trusted", "unknown"] as const;

describe.each(TRUSTS)("of a peer that is %s", (trust) => {
  test.each(BAD_FRAMES)(
    "%s (%s): closed with %i, what came before was delivered",
    async (_name, subprotocol, code, frame) => {
      const stage = await setStage();
      const { peer, server } = await attack(stage, subprotocol, trust);
      if (subprotocol === JSON_PROTOCOL) peer.send({ opcode: OPCODES.text, payload: TEXT });
      else peer.send({ opcode: OPCODES.binary, payload: BINARY });
      peer.send(frame);
      const close = await peer.readClose();
      expect(close).toEqual({ code, reason: expect.stringMatching(/\S/) });
      peer.socket.end();
      expect(await server.ended).toMatchObject({ kind: "closed", clean: false, ...close, by: "local" });
      expect(server.messages).toEqual([numbered("good")]);
      await stage.neighbourIsWell();
    },
  );

  test("2 MiB in one frame: told 1009 although all of it arrives", async () => {
    const stage = await setStage();
    const { peer, server } = await attack(stage, JSON_PROTOCOL, trust);
    peer.send({ opcode: OPCODES.text, payload: Buffer.alloc(2_097_152, "x") });
    const close = { code: 1009, reason: `a message may have at most ${MAX_BYTES[trust]} bytes` };
    expect(await peer.readClose()).toEqual(close);
    peer.socket.end();
    expect(await server.ended).toMatchObject({ kind: "closed", ...close, by: "local" });
    await stage.neighbourIsWell();
  });

  test.each([
    ["passes", MAX_BYTES[trust]],
    ["is refused", MAX_BYTES[trust] + 1],
  ])("a message %s at %i bytes", async (verdict, bytes) => {
    const stage = await setStage();
    const { peer, server } = await attack(stage, JSON_PROTOCOL, trust);
    const padding = "x".repeat(bytes - jsonCodec.encode({ ...numbered("big"), data: "" }).length);
    const payload = jsonCodec.encode({ ...numbered("big"), data: padding });
    expect(payload.length).toBe(bytes);
    peer.send({ opcode: OPCODES.text, payload });
    if (verdict === "passes") expect((await server.next()).id).toBe("big");
    else expect(await peer.readCloseCode()).toBe(1009);
  });
});

test.each([
  ["passes", maxFragmentsOf(LIMITS.maxFrameBytes)],
  ["is refused", maxFragmentsOf(LIMITS.maxFrameBytes) + 1],
])("a message %s in %i fragments", async (verdict, fragments) => {
  const stage = await setStage();
  const { peer, server } = await attack(stage, JSON_PROTOCOL, "trusted");
  for (let n = 1; n <= fragments; n++) {
    const payload = n === 1 ? TEXT.slice(0, -1) : n === fragments ? TEXT.slice(-1) : "";
    peer.send({ opcode: n === 1 ? OPCODES.text : OPCODES.continuation, fin: n === fragments, payload });
  }
  if (verdict === "passes") expect((await server.next()).id).toBe("good");
  else expect(await peer.readCloseCode()).toBe(1008);
  await stage.neighbourIsWell();
});

test("a message of the largest size passes in pieces of 1 KiB", async () => {
  const stage = await setStage();
  const { peer, server } = await attack(stage, JSON_PROTOCOL, "trusted");
  const padding = "x".repeat(
    LIMITS.maxFrameBytes - jsonCodec.encode({ ...numbered("big"), data: "" }).length,
  );
  const payload = Buffer.from(jsonCodec.encode({ ...numbered("big"), data: padding }));
  for (let at = 0; at < payload.length; at += 1_024)
    peer.send({
      opcode: at === 0 ? OPCODES.text : OPCODES.continuation,
      fin: at + 1_024 >= payload.length,
      payload: payload.subarray(at, at + 1_024),
    });
  expect((await server.next()).id).toBe("big");
  await stage.neighbourIsWell();
});

test("fragments that together exceed the limit are refused before the last arrives", async () => {
  const stage = await setStage();
  const { peer } = await attack(stage, JSON_PROTOCOL, "trusted");
  const half = Buffer.alloc(LIMITS.maxFrameBytes / 2 + 1, "x");
  peer.send({ opcode: OPCODES.text, fin: false, payload: half });
  peer.send({ opcode: OPCODES.continuation, fin: false, payload: half });
  expect(await peer.readCloseCode()).toBe(1009);
});

test("a close without a code is a close, and not a clean one", async () => {
  const stage = await setStage();
  const { peer, server } = await attack(stage, JSON_PROTOCOL, "trusted");
  peer.send({ opcode: OPCODES.close });
  expect(await server.ended).toEqual({ kind: "closed", clean: false, code: 1005, reason: "", by: "peer" });
});

test("a FIN without a close frame is lost", async () => {
  const stage = await setStage();
  const { peer, server } = await attack(stage, JSON_PROTOCOL, "trusted");
  peer.socket.end();
  expect(await server.ended).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
});

test("a ping is answered; a flood of pings ends only the flooder", async () => {
  const stage = await setStage();
  const { peer, server } = await attack(stage, JSON_PROTOCOL, "trusted");
  peer.send({ opcode: OPCODES.ping, payload: "are you there" });
  expect(await peer.readFrame()).toMatchObject({
    opcode: OPCODES.pong,
    payload: Buffer.from("are you there"),
  });
  peer.socket.cork();
  for (let n = 0; n < 10_000; n++) peer.send({ opcode: OPCODES.ping, payload: "x".repeat(125) });
  peer.socket.uncork();
  expect(await server.ended).toMatchObject({ kind: "lost" });
  await stage.neighbourIsWell();
});

test.each([
  ["not HTTP at all", "\u0000\u0001garbage\r\n\r\n", 400],
  ["a TLS hello", Buffer.from("1603010200010001fc0303", "hex"), 400],
  ["headers beyond the limit", upgradeRequest({ "x-padding": "x".repeat(20_000) }), 431],
])("%s instead of an upgrade is answered and let go", async (_name, bytes, status) => {
  const stage = await setStage();
  const peer = await RawPeer.connect(stage.port);
  peer.socket.write(bytes);
  expect(await peer.readHead()).toContain(` ${status} `);
  await peer.closed;
  await stage.neighbourIsWell();
});

test("a refused upgrade whose client never hangs up is let go all the same", async () => {
  const stage = await setStage(200);
  const peer = await RawPeer.connect(stage.port);
  peer.socket.write(upgradeRequest());
  expect(await peer.readAnswer()).toMatchObject({ status: 400 });
  await peer.closed;
  await stage.neighbourIsWell();
});

test("counts what has come of a message that is under way", async () => {
  const stage = await setStage();
  const { peer, server } = await attack(stage, JSON_PROTOCOL, "trusted");
  const before = server.connection.receivedBytes ?? 0;
  peer.send({ opcode: OPCODES.text, payload: "x".repeat(10_000), announcedLength: 100_000 });
  await expect.poll(() => (server.connection.receivedBytes ?? 0) - before).toBeGreaterThanOrEqual(10_000);
  await stage.neighbourIsWell();
  peer.socket.destroy();
});
