import { it } from "vitest";
import { expectHeld } from "./support/attack-damage.js";
import { AttackedPrincipal } from "./support/attacked-principal.js";
import { flood, type Flood } from "./support/flood.js";

// What strangers do to the API's port, over which the healthy agent is sent its events all the while.

const FOR_MS = 4_000;

const OPENAPI = "GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
const UPLOAD =
  "PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n";

/** Every so often, to each socket. */
const crumbs = (text: string): Pick<Flood, "goesOn"> => ({
  goesOn: { chunks: [Buffer.from(text)], everyMs: 500 },
});

const unread = (sockets: number, requests: number): Flood => ({
  sockets,
  opening: Buffer.from(OPENAPI.repeat(requests)),
  reads: false,
});

const ATTACKS: readonly { readonly what: string; readonly attack: Flood }[] = [
  {
    what: "20 connections with 1,600 requests each in one write, whose answers nobody reads",
    attack: unread(20, 1_600),
  },
  { what: "300 connections with 20 such requests each", attack: unread(300, 20) },
  { what: "1,100 connections that say nothing", attack: { sockets: 1_100, opening: Buffer.alloc(0) } },
  {
    what: "1,100 connections with a line of a head again and again",
    attack: {
      sockets: 1_100,
      opening: Buffer.from("GET /livez HTTP/1.1\r\n"),
      ...crumbs("x-slow: 1\r\n"),
    },
  },
  {
    what: "1,100 connections with a byte of a body again and again, without a token",
    attack: { sockets: 1_100, opening: Buffer.from(UPLOAD), ...crumbs("{") },
  },
  {
    what: "1,100 connections that are renewed by a request each",
    attack: { sockets: 1_100, opening: Buffer.from(OPENAPI), ...crumbs(OPENAPI) },
  },
];

it.each(ATTACKS)("$what", async ({ attack }) => {
  const attacked = await AttackedPrincipal.start();
  const { port } = new URL(attacked.fleet.api.server);
  expectHeld(await attacked.measure(flood({ ...attack, port: Number(port) }), { forMs: FOR_MS }), 160);
});
