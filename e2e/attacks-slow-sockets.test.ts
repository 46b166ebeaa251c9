import { connect } from "node:http2";
import type { Socket } from "node:net";
import { systemTimers } from "@hawser/runtime";
import { CONNECT_PATH } from "@hawser/transport-grpc";
import { it } from "vitest";
import { type Attack, AttackStage, expectHeld } from "./support/attack-stage.js";
import { PREFACE, SETTINGS } from "./support/http2-frames.js";
import { grpcMessage } from "./support/raw-grpc.js";
import { wsFrame } from "./support/raw-websocket.js";

// Those who connect and hardly say anything, and those who begin what they never finish. Nobody here is asked for a token, so nothing but the budget stands between them and the
// newcomers.

const FOR_MS = 6_000;
const UPGRADE =
  "GET /v1/connect HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
  "Sec-WebSocket-Protocol: cloudevents.json\r\n\r\n";
/** A message of the largest size less a byte, of which the last never comes. */
const UNFINISHED_BYTES = 1_048_575;
/** That one connection may have open. */
const STREAMS = 16;

/** What a slow client says at once, and what it then says each second. */
interface Slow {
  readonly first: string | Buffer;
  readonly eachSecond?: string;
  readonly open: (stage: AttackStage) => Socket;
}

const plain = (stage: AttackStage): Socket => stage.socket();
const tls =
  (...alpn: string[]) =>
  (stage: AttackStage): Socket =>
    stage.secureSocket(alpn.length === 0 ? undefined : alpn);

const SLOW: readonly Slow[] = [
  { open: plain, first: "" },
  { open: plain, first: PREFACE.subarray(0, 12) },
  { open: plain, first: Buffer.concat([PREFACE, SETTINGS]) },
  { open: plain, first: "GET /v1/connect HTTP/1.1\r\n", eachSecond: "x-slow: 1\r\n" },
  { open: plain, first: UPGRADE },
  { open: plain, first: UPGRADE, eachSecond: "\u0081" },
];

/** The first bytes of a ClientHello that announces 512. */
const HALF_A_CLIENT_HELLO = Buffer.from("16030102000100", "hex");

const SLOW_WITH_TLS: readonly Slow[] = [
  { open: plain, first: "" },
  { open: plain, first: HALF_A_CLIENT_HELLO },
  { open: plain, first: HALF_A_CLIENT_HELLO, eachSecond: "\u0001" },
  { open: tls(), first: "" },
  { open: tls("h2"), first: "" },
  { open: tls("h2"), first: Buffer.concat([PREFACE, SETTINGS]) },
  { open: tls("http/1.1"), first: "GET /v1/connect HTTP/1.1\r\n", eachSecond: "x-slow: 1\r\n" },
  { open: tls("http/1.1"), first: UPGRADE },
];

/** So many sockets from the newcomers' own address, each opened anew as soon as it is cut. */
function slowSockets(kinds: readonly Slow[], count: number): Attack {
  return async (stage) => {
    let isOver = false;
    const open = (slow: Slow): void => {
      if (isOver) return;
      const { first, eachSecond } = slow;
      const socket = slow.open(stage);
      socket.resume();
      if (first.length > 0) socket.write(first, "latin1");
      const trickle =
        eachSecond === undefined ? undefined : every(1_000, () => socket.write(eachSecond, "latin1"));
      socket.once("close", () => {
        trickle?.();
        open(slow);
      });
    };
    for (let n = 0; n < count; n += 1) {
      const slow = kinds[n % kinds.length];
      if (slow !== undefined) open(slow);
    }
    return () => {
      isOver = true;
    };
  };
}

/** On so many connections. */
function unfinishedFrames(count: number): Attack {
  return async (stage) => {
    const frame = wsFrame(1, Buffer.alloc(UNFINISHED_BYTES, "x"), UNFINISHED_BYTES).subarray(0, -1);
    for (let n = 0; n < count; n += 1) {
      const socket = stage.socket();
      socket.once("data", () => socket.resume().write(frame));
      socket.write(UPGRADE);
    }
    return () => {};
  };
}

/** On as many streams as a connection may have, on so many connections, as fast as the windows of HTTP/2 let it. */
function unfinishedMessages(connections: number): Attack {
  return async (stage) => {
    const message = grpcMessage(Buffer.alloc(UNFINISHED_BYTES, "x"), UNFINISHED_BYTES + 1);
    const sessions = Array.from({ length: connections }, () => {
      const session = connect("http://127.0.0.1", { createConnection: () => stage.socket() });
      session.on("error", () => {});
      for (let stream = 0; stream < STREAMS; stream += 1) {
        const opened = session.request({
          ":method": "POST",
          ":path": CONNECT_PATH,
          "content-type": "application/grpc",
          te: "trailers",
        });
        opened.on("error", () => {});
        opened.resume();
        opened.write(message);
      }
      return session;
    });
    return () => {
      for (const session of sessions) session.destroy();
    };
  };
}

function every(ms: number, step: () => void): () => void {
  let timer = systemTimers.after(ms, again);
  function again(): void {
    step();
    timer = systemTimers.after(ms, again);
  }
  return () => timer.cancel();
}

it("2,500 slow sockets of all kinds at the newcomers' own address keep none of them out", async () => {
  const stage = await AttackStage.set();
  // Sockets and what Node keeps for each: 4,096 of 64 KiB at most.
  expectHeld(await stage.play(slowSockets(SLOW, 2_500), { forMs: FOR_MS }), 256);
});

it("1,600 slow sockets of all kinds at a port with TLS keep no newcomer out", async () => {
  const stage = await AttackStage.set({ tls: true });
  // As above, and what OpenSSL keeps for each.
  expectHeld(await stage.play(slowSockets(SLOW_WITH_TLS, 1_600), { forMs: FOR_MS }), 256);
});

it("frames of 1 MiB begun before the hello on 480 connections cost what the budget says", async () => {
  const stage = await AttackStage.set();
  expectHeld(await stage.play(unfinishedFrames(480), { forMs: FOR_MS }), 128);
});

it("messages of 1 MiB begun before the hello on 1,280 streams of gRPC cost what the budget says", async () => {
  const stage = await AttackStage.set();
  // A stream takes 16 KiB of a message, and its objects of Node and of grpc-js.
  expectHeld(await stage.play(unfinishedMessages(80), { forMs: FOR_MS }), 256);
});
