import type { Socket } from "node:net";
import { systemTimers } from "@hawser/runtime";
import { expect, it } from "vitest";
import { type Attack, AttackStage, type Damage } from "./support/attack-stage.js";
import { wsFrame } from "./support/raw-websocket.js";

const FOR_MS = 12_000;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const UPGRADE =
  "GET /v1/connect HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
  "Sec-WebSocket-Protocol: cloudevents.json\r\n\r\n";
/** SETTINGS of HTTP/2 without any. */
const SETTINGS = "\0\0\0\u0004\0\0\0\0\0";

/** What a slow client says at once, and what it then says each second. */
const SLOW: readonly { readonly first: string; readonly eachSecond?: string }[] = [
  { first: "" },
  { first: PREFACE.slice(0, 12) },
  { first: PREFACE + SETTINGS },
  { first: "GET /v1/connect HTTP/1.1\r\n", eachSecond: "x-slow: 1\r\n" },
  { first: UPGRADE },
  { first: UPGRADE, eachSecond: "\u0081" },
];

/** So many sockets from the newcomers' own address, each opened anew as soon as it is cut. */
function slowSockets(count: number): Attack {
  return async (stage) => {
    let isOver = false;
    const open = (kind: number): void => {
      if (isOver) return;
      const { first = "", eachSecond } = SLOW[kind % SLOW.length] ?? {};
      const socket: Socket = stage.socket();
      socket.resume();
      if (first !== "") socket.write(first, "latin1");
      const trickle =
        eachSecond === undefined ? undefined : every(1_000, () => socket.write(eachSecond, "latin1"));
      socket.once("close", () => {
        trickle?.();
        open(kind);
      });
    };
    for (let kind = 0; kind < count; kind += 1) open(kind);
    return () => {
      isOver = true;
    };
  };
}

/** A frame of 1 MiB less a byte, of which the last never comes, on so many connections. */
function unfinishedFrames(count: number): Attack {
  return async (stage) => {
    const frame = wsFrame(1, Buffer.alloc(1_048_575, "x"), 1_048_575).subarray(0, -1);
    for (let n = 0; n < count; n += 1) {
      const socket = stage.socket();
      socket.once("data", () => socket.resume().write(frame));
      socket.write(UPGRADE);
    }
    return () => {};
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

function held({ isAlive, gotIn, newcomers, rssBeforeMb, rssPeakMb }: Damage, budgetMb: number): void {
  expect(isAlive).toBe(true);
  expect(gotIn).toBeGreaterThanOrEqual(Math.ceil(0.9 * newcomers));
  expect(rssPeakMb - rssBeforeMb).toBeLessThanOrEqual(budgetMb);
}

it("2,500 slow sockets of all kinds at the newcomers' own address keep none of them out", async () => {
  const stage = await AttackStage.set();
  // Sockets and what Node keeps for each: 4,096 of 64 KiB at most.
  held(await stage.play(slowSockets(2_500), { forMs: FOR_MS }), 256);
});

it("frames of 1 MiB begun before the hello on 480 connections cost what the budget says", async () => {
  const stage = await AttackStage.set();
  held(await stage.play(unfinishedFrames(480), { forMs: FOR_MS }), 128);
});
