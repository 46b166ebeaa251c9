import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { connect } from "node:tls";
import { pause, systemTimers } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { expectHeld } from "./support/attack-damage.js";
import { type Attack, AttackedPrincipal, TLS_ARGS } from "./support/attacked-principal.js";
import {
  connectFields,
  connectStream,
  END_HEADERS,
  END_STREAM,
  FRAME,
  http2Frame,
  isHttp2Safe,
  PREFACE,
  resetStream,
  SETTINGS,
} from "./support/http2-frames.js";
import { PROGRAMS } from "./support/programs.js";
import { createTestFleet } from "./support/test-fleet.js";

// A stream that is opened and spoilt in one segment ended the process once. Each way of it is written whole, and in two pieces cut at every byte, to a principal in a process of its own.

/** What a client writes behind its preface and its SETTINGS. */
interface Spoiler {
  readonly name: string;
  readonly bytes: Buffer;
  /** The socket ends with it. */
  readonly ends?: boolean;
}

const HUNDRED_RESETS = Buffer.concat(
  Array.from({ length: 100 }, (_, n) => Buffer.concat([connectStream(2 * n + 1), resetStream(2 * n + 1)])),
);
const EMPTY_DATA = Buffer.concat(Array.from({ length: 1_000 }, () => http2Frame(FRAME.data, 0, 1)));

const SPOILERS: readonly Spoiler[] = [
  { name: "RST_STREAM", bytes: Buffer.concat([connectStream(1), resetStream(1)]) },
  {
    name: "RST_STREAM for another path",
    bytes: Buffer.concat([connectStream(1, { ":path": "/x" }), resetStream(1)]),
  },
  {
    name: "RST_STREAM for another method",
    bytes: Buffer.concat([connectStream(1, { ":method": "GET" }), resetStream(1)]),
  },
  {
    name: "WINDOW_UPDATE of 0",
    bytes: Buffer.concat([connectStream(1), http2Frame(FRAME.windowUpdate, 0, 1, Buffer.alloc(4))]),
  },
  {
    name: "DATA beyond content-length",
    bytes: Buffer.concat([
      connectStream(1, { "content-length": "1" }),
      http2Frame(FRAME.data, END_STREAM, 1, Buffer.from("too long")),
    ]),
  },
  { name: "a connection error", bytes: Buffer.concat([connectStream(1), http2Frame(FRAME.data, 0, 0)]) },
  {
    name: "GOAWAY",
    bytes: Buffer.concat([connectStream(1), http2Frame(FRAME.goAway, 0, 0, Buffer.alloc(8))]),
  },
  {
    name: "HEADERS again",
    bytes: Buffer.concat([
      http2Frame(FRAME.headers, END_HEADERS | END_STREAM, 1, connectFields()),
      connectStream(1),
    ]),
  },
  { name: "the end of the socket", bytes: connectStream(1), ends: true },
];

/** Too long to cut at every byte. */
const LONG_SPOILERS: readonly Spoiler[] = [
  { name: "a hundred streams, each reset", bytes: HUNDRED_RESETS },
  { name: "DATA frames without end", bytes: Buffer.concat([connectStream(1), EMPTY_DATA]) },
];

/** Frames of a wrong size behind a GOAWAY: on a Node whose nghttp2 aborts on them, no JavaScript can help. */
const WRONG_SIZES: readonly Spoiler[] = [
  { name: "PING of 5 bytes", bytes: http2Frame(FRAME.ping, 0, 0, Buffer.alloc(5)) },
  { name: "SETTINGS ACK of 6 bytes", bytes: http2Frame(FRAME.settings, 1, 0, Buffer.alloc(6)) },
  { name: "WINDOW_UPDATE of 3 bytes", bytes: http2Frame(FRAME.windowUpdate, 0, 0, Buffer.alloc(3)) },
].map(({ name, bytes }) => ({
  name: `${name} behind GOAWAY`,
  bytes: Buffer.concat([http2Frame(FRAME.goAway, 0, 0, Buffer.alloc(8)), connectStream(1), bytes]),
}));

const isSafe = isHttp2Safe();
const START = Buffer.concat([PREFACE, SETTINGS]);
/** Connections at once. */
const LANES = 16;
/** How long a second piece waits, so that the first is read by itself. */
const BETWEEN_MS = 2;
/** The reading of the last bytes, and what comes of it. */
const LINGER_MS = 4;

interface Piecemeal {
  readonly spoiler: Spoiler;
  /** Where the second piece begins; 0 for one piece. */
  readonly cut: number;
}

/** Each spoiler whole and cut at every `step`-th byte, the long ones whole. */
function plan(step: number): readonly Piecemeal[] {
  const short = isSafe ? [...SPOILERS, ...WRONG_SIZES] : SPOILERS;
  return [
    ...LONG_SPOILERS.map((spoiler) => ({ spoiler, cut: 0 })),
    ...short.flatMap((spoiler) => {
      const cuts = Math.ceil((START.length + spoiler.bytes.length) / step);
      return Array.from({ length: cuts }, (_, n) => ({ spoiler, cut: n * step }));
    }),
  ];
}

async function write(socket: Socket, { spoiler, cut }: Piecemeal): Promise<void> {
  const bytes = Buffer.concat([START, spoiler.bytes]);
  const isGone = closed(socket);
  socket.resume();
  if (cut > 0) {
    socket.write(bytes.subarray(0, cut));
    await pause(systemTimers, BETWEEN_MS);
  }
  const last = bytes.subarray(cut);
  if (spoiler.ends === true) socket.end(last);
  else socket.write(last);
  await Promise.race([isGone, pause(systemTimers, LINGER_MS)]);
  socket.destroy();
}

/** All of them, over so many lanes; the attack is over when they are through. */
function spoilt(open: (attacked: AttackedPrincipal) => Promise<Socket>, step: number): Attack {
  return async (attacked) => {
    const left = [...plan(step)].reverse();
    const lane = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        if (!attacked.fleet.principal.running)
          throw new Error(`the principal is gone before "${next.spoiler.name}", cut at ${next.cut}`);
        await write(await open(attacked), next);
      }
    };
    let lanes: Promise<unknown> = Promise.resolve();
    return {
      begin() {
        lanes = Promise.all(Array.from({ length: LANES }, lane));
        // Said by the end of the attack, and not as a rejection nobody waits for.
        lanes.catch(() => {});
      },
      async end() {
        await lanes;
      },
    };
  };
}

async function opened(socket: Socket, event: "connect" | "secureConnect"): Promise<Socket> {
  await Promise.race([new Promise<void>((resolve) => socket.once(event, () => resolve())), closed(socket)]);
  return socket;
}

/** Not by `once`, which rejects at an error: a reset is an end like any other here. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

describe("streams that are opened and spoilt in one segment, whole and cut, end nothing but themselves", () => {
  const options = { args: ["--admission-rate", "10000", "--admission-ramp", "0s"] };

  it.each([
    { how: "in plain text", tls: false, step: 1, alpn: undefined },
    { how: "behind TLS with ALPN", tls: true, step: 5, alpn: ["h2"] },
    { how: "behind TLS without ALPN", tls: true, step: 5, alpn: undefined },
  ])("$how", async ({ tls, step, alpn }) => {
    const attacked = await AttackedPrincipal.start({ ...options, tls });
    const open = (): Promise<Socket> =>
      tls ? opened(attacked.secureSocket(alpn), "secureConnect") : opened(attacked.socket(), "connect");
    const { pid } = attacked.fleet.principal;
    expectHeld(await attacked.measure(spoilt(open, step), { forMs: 3_000 }), 128);
    expect(attacked.fleet.principal.pid).toBe(pid);
    expect(await attacked.fleet.principal.logText()).not.toMatch(/uncaught|unhandled/i);
  });
});

it("a few bytes that end some Nodes in C end no principal beyond loopback, which says so at start", async () => {
  const fleet = await createTestFleet();
  const tokens = fleet.path("tokens");
  await writeFile(tokens, `* ${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
  const principal = fleet.service({
    name: "beyond",
    program: PROGRAMS.principal,
    args: [
      "--listen",
      "0.0.0.0:0",
      "--api-listen",
      "127.0.0.1:0",
      "--data-dir",
      fleet.path("beyond"),
      "--agent-tokens-file",
      tokens,
      ...TLS_ARGS,
    ],
  });
  const ready = z.object({ listen: z.object({ port: z.number() }) }).parse(await principal.start());
  const { port } = ready.listen;
  for (const alpn of [["h2", "http/1.1"], ["http/1.1"], []])
    for (const { bytes } of WRONG_SIZES) {
      const socket = connect({
        port,
        host: "127.0.0.1",
        rejectUnauthorized: false,
        ...(alpn.length === 0 ? {} : { ALPNProtocols: alpn }),
      });
      socket.on("error", () => {});
      await opened(socket, "secureConnect");
      if (alpn.includes("h2")) expect(socket.alpnProtocol).toBe(isSafe ? "h2" : "http/1.1");
      await write(socket, { spoiler: { name: "", bytes }, cut: 0 });
    }
  expect(principal.running).toBe(true);
  const warned = (await principal.logLines()).filter(({ msg }) => /nghttp2 .*good are Node/.test(msg));
  expect(warned).toHaveLength(isSafe ? 0 : 1);
});
