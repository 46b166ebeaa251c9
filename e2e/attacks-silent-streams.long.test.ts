import { it } from "vitest";
import { expectHeld } from "./support/attack-damage.js";
import { AttackedPrincipal } from "./support/attacked-principal.js";
import { flood } from "./support/flood.js";
import { connectStream, PREFACE, resetStream, SETTINGS } from "./support/http2-frames.js";

// The first stream of a connection is spoilt, and the others stay silent, opened anew before they are given up. That held connections, and with them the places of everybody else,
// for as long as a stranger liked.

const FOR_MS = 7_000;
/** In each connection, anew every so often: as many as a connection may have that is trusted. */
const STREAMS = 16;
const EVERY_MS = 1_500;

/** Requests of the streams with the odd numbers from there on. */
const streamsFrom = (first: number): Buffer =>
  Buffer.concat(Array.from({ length: STREAMS }, (_, n) => connectStream(first + 2 * n)));

const silent = flood({
  sockets: 1_400,
  opening: Buffer.concat([PREFACE, SETTINGS, connectStream(1), resetStream(1), streamsFrom(3)]),
  goesOn: {
    chunks: Array.from({ length: 10 }, (_, round) => streamsFrom(3 + 2 * STREAMS * (round + 1))),
    everyMs: EVERY_MS,
    cycles: false,
  },
});

it.each([{ tokens: false }, { tokens: true }])(
  "1,400 connections with 16 silent streams each keep nobody out (tokens: $tokens)",
  async ({ tokens }) => {
    // Fewer sessions than there are streams: what is no session must not count against them.
    const attacked = await AttackedPrincipal.start({ tokens, args: ["--max-sessions", "1000"] });
    // 4,096 sockets and streams that are no session, with what Node, grpc-js and a session keep for each.
    expectHeld(await attacked.measure(silent, { forMs: FOR_MS }), 384);
  },
);
