import { connect, type ClientHttp2Session } from "node:http2";
import { CONNECT_PATH } from "@hawser/transport-grpc";
import { it } from "vitest";
import { expectHeld } from "./support/attack-damage.js";
import { type Attack, AttackedPrincipal } from "./support/attacked-principal.js";
import { flood, type Flood } from "./support/flood.js";
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

/** Each second one of them. */
const trickle = (text: string): Pick<Flood, "goesOn"> => ({
  goesOn: { chunks: [Buffer.from(text, "latin1")], everyMs: 1_000 },
});
const says = (text: string | Buffer, more: Partial<Flood> = {}): Omit<Flood, "sockets"> => ({
  opening: Buffer.from(text),
  ...more,
});

const SLOW = [
  says(""),
  says(PREFACE.subarray(0, 12)),
  says(Buffer.concat([PREFACE, SETTINGS])),
  says("GET /v1/connect HTTP/1.1\r\n", trickle("x-slow: 1\r\n")),
  says(UPGRADE),
  says(UPGRADE, trickle("\u0081")),
];

/** The first bytes of a ClientHello that announces 512. */
const HALF_A_CLIENT_HELLO = Buffer.from("16030102000100", "hex");

const SLOW_WITH_TLS = [
  says(""),
  says(HALF_A_CLIENT_HELLO),
  says(HALF_A_CLIENT_HELLO, trickle("\u0001")),
  says("", { tls: {} }),
  says("", { tls: { alpn: ["h2"] } }),
  says(Buffer.concat([PREFACE, SETTINGS]), { tls: { alpn: ["h2"] } }),
  says("GET /v1/connect HTTP/1.1\r\n", { tls: { alpn: ["http/1.1"] }, ...trickle("x-slow: 1\r\n") }),
  says(UPGRADE, { tls: { alpn: ["http/1.1"] } }),
];

/** So many sockets from the newcomers' own address, each opened anew as soon as it is cut. */
function slowSockets(kinds: readonly Omit<Flood, "sockets">[], count: number): Attack {
  return flood(
    ...kinds.map((kind) => ({ ...kind, sockets: Math.ceil(count / kinds.length), reopenAfterMs: 0 })),
  );
}

/** On so many connections. */
function unfinishedFrames(count: number): Attack {
  return flood({
    sockets: count,
    opening: Buffer.from(UPGRADE),
    waitsFor: "\r\n\r\n",
    goesOn: {
      chunks: [wsFrame(1, Buffer.alloc(UNFINISHED_BYTES, "x"), UNFINISHED_BYTES).subarray(0, -1)],
      everyMs: 0,
      cycles: false,
    },
    reopenAfterMs: false,
  });
}

/** On as many streams as a connection may have, on so many connections, as fast as the windows of HTTP/2 let it. */
function unfinishedMessages(connections: number): Attack {
  return async (attacked) => {
    const message = grpcMessage(Buffer.alloc(UNFINISHED_BYTES, "x"), UNFINISHED_BYTES + 1);
    const sessions: ClientHttp2Session[] = [];
    const open = (): void => {
      const session = connect("http://127.0.0.1", { createConnection: () => attacked.socket() });
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
      sessions.push(session);
    };
    return {
      begin() {
        for (let n = 0; n < connections; n += 1) open();
      },
      end() {
        for (const session of sessions) session.destroy();
      },
    };
  };
}

it("2,500 slow sockets of all kinds at the newcomers' own address keep none of them out", async () => {
  const attacked = await AttackedPrincipal.start();
  // Sockets and what Node keeps for each: 4,096 of 64 KiB at most.
  expectHeld(await attacked.measure(slowSockets(SLOW, 2_500), { forMs: FOR_MS }), 256);
});

it("1,600 slow sockets of all kinds at a port with TLS keep no newcomer out", async () => {
  const attacked = await AttackedPrincipal.start({ tls: true });
  // As above, and what OpenSSL keeps for each.
  expectHeld(await attacked.measure(slowSockets(SLOW_WITH_TLS, 1_600), { forMs: FOR_MS }), 256);
});

it("frames of 1 MiB begun before the hello on 480 connections cost what the budget says", async () => {
  const attacked = await AttackedPrincipal.start();
  expectHeld(await attacked.measure(unfinishedFrames(480), { forMs: FOR_MS }), 128);
});

it("messages of 1 MiB begun before the hello on 1,280 streams of gRPC cost what the budget says", async () => {
  const attacked = await AttackedPrincipal.start();
  // A stream takes 16 KiB of a message, and its objects of Node and of grpc-js.
  expectHeld(await attacked.measure(unfinishedMessages(80), { forMs: FOR_MS }), 256);
});
