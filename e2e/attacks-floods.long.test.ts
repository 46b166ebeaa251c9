import { expect, it } from "vitest";
import { sessionBytes, upgradeBytes, WELCOME } from "./support/agent-bytes.js";
import { expectHeld } from "./support/attack-damage.js";
import { AttackedPrincipal } from "./support/attacked-principal.js";
import { flood, together, type Flood } from "./support/flood.js";
import {
  connectFields,
  connectStream,
  END_HEADERS,
  FRAME,
  http2Frame,
  PREFACE,
  resetStream,
  SETTINGS,
} from "./support/http2-frames.js";
import { OPCODE, wsCrumbs, wsFrame } from "./support/raw-websocket.js";

// Floods of every kind at once, each as heavy as one client behind a fast line makes it: at the speed of loopback a few of them take a core, whatever is refused how soon. A
// connection that is cut is opened anew.

const FOR_MS = 4_000;
const SOCKETS = 2;
/** Between two writes of some kB. */
const EVERY_MS = 5;
/** Streams of one connection: beyond what any limit of resets lets through. */
const STREAMS = 1_200;
/** 12 kB each. */
const BOMBS = 100;

const START = Buffer.concat([PREFACE, SETTINGS]);
const times = (count: number, frame: Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => frame));
const eachStream = (bytesOf: (stream: number) => Buffer, count = STREAMS): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, n) => bytesOf(2 * n + 1)));

const zeroWindowUpdate = (stream: number): Buffer =>
  http2Frame(FRAME.windowUpdate, 0, stream, Buffer.alloc(4));
/** SETTINGS_INITIAL_WINDOW_SIZE of 0. */
const ZERO_WINDOW = http2Frame(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
/** A field of 4,000 bytes that is indexed, and 8,000 references to it (RFC 7541, sections 6.1 and 6.2.1). */
const HEADER_BOMB = Buffer.concat([
  Buffer.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e]),
  Buffer.alloc(4_000, "a"),
  Buffer.alloc(8_000, 0xbe),
]);

function http2(opening: Buffer, chunk?: Buffer): Flood {
  const goesOn = chunk === undefined ? {} : { goesOn: { chunks: [chunk], everyMs: EVERY_MS } };
  return { sockets: SOCKETS, opening: Buffer.concat([START, opening]), ...goesOn };
}

const HTTP2_FRAMES: readonly Flood[] = [
  http2(SETTINGS, times(500, SETTINGS)),
  http2(Buffer.alloc(0), times(500, http2Frame(FRAME.ping, 0, 0, Buffer.alloc(8)))),
  http2(Buffer.alloc(0), times(500, http2Frame(FRAME.priority, 0, 3, Buffer.from([0, 0, 0, 0, 1])))),
  http2(
    http2Frame(FRAME.headers, 0, 1, connectFields()),
    times(50, http2Frame(FRAME.continuation, 0, 1, connectFields())),
  ),
  http2(connectStream(1), times(500, http2Frame(FRAME.data, 0, 1))),
  http2(Buffer.concat([ZERO_WINDOW, connectStream(1), connectStream(3)])),
];

const HTTP2_STREAMS: readonly Flood[] = [
  http2(eachStream((stream) => Buffer.concat([connectStream(stream), resetStream(stream)]))),
  http2(eachStream((stream) => Buffer.concat([connectStream(stream), zeroWindowUpdate(stream)]))),
  http2(eachStream((stream) => connectStream(stream, { ":path": "/x" }))),
  http2(eachStream((stream) => http2Frame(FRAME.headers, END_HEADERS, stream, HEADER_BOMB), BOMBS)),
];

/** Of an agent with a session. */
const WEB_SOCKETS: readonly Flood[] = [
  { what: "crumbs", chunk: Buffer.concat(wsCrumbs(500)) },
  { what: "pings", chunk: times(500, wsFrame(9, "x".repeat(100))), reads: false },
  { what: "empties", chunk: times(500, wsFrame(OPCODE.text, "")) },
  { what: "giants", chunk: wsFrame(OPCODE.text, "{", 2 ** 40) },
].map(({ what, chunk, reads = true }) => ({
  sockets: 1,
  opening: sessionBytes(what),
  waitsFor: WELCOME,
  goesOn: { chunks: [chunk], everyMs: EVERY_MS },
  reads,
}));

it.each([
  { what: "frames of HTTP/2", floods: HTTP2_FRAMES },
  { what: "streams of HTTP/2", floods: HTTP2_STREAMS },
  { what: "WebSocket frames", floods: WEB_SOCKETS },
])("floods of $what", async ({ floods }) => {
  const attacked = await AttackedPrincipal.start();
  const all = together(...floods.map((one) => flood(one)));
  expectHeld(await attacked.measure(all, { forMs: FOR_MS }), 192);
  expect(await attacked.fleet.principal.logText()).not.toMatch(/uncaught|unhandled/i);
});

it("wrong tokens against 20,000 known ones, and TLS handshakes without end", async () => {
  const attacked = await AttackedPrincipal.start({ tls: true, tokens: true, knownTokens: 20_000 });
  const guesses = flood({
    sockets: 8,
    tls: { alpn: ["http/1.1"] },
    opening: upgradeBytes({ Authorization: "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
  });
  const handshakes = flood({ sockets: 8, tls: {}, opening: Buffer.from("GET / HTTP/1.0\r\n\r\n") });
  expectHeld(await attacked.measure(together(guesses, handshakes), { forMs: FOR_MS }), 192);
});
