import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { jsonCodec, HawserError, type CloudEvent } from "@hawser/protocol";
import { systemTimers, type Random } from "@hawser/runtime";
import { unmasked, wsFrame } from "../raw-websocket.js";
import { grpcEvents, http2Answer } from "./byte-streams.js";
import { bytes, chance, integer, times } from "./draws.js";
import { control, event, welcome } from "./frames.js";
import { mutate } from "./mutate.js";

/** So long an answer may be thought about. */
const LINGER_MS = 5;

/** Waits for the upgrade of a WebSocket, grants it most of the time, and says things. */
export async function webSocketAnswer(random: Random, socket: Socket): Promise<void> {
  const head = await readUntil(socket, (read) => read.includes("\r\n\r\n"));
  const upgrade = Buffer.from(grant(head.toString()));
  const isGranted = chance(random, 0.9);
  socket.write(isGranted ? upgrade : mutate(random, upgrade, () => bytes(random, 64)));
  const frames = times(integer(random, 1, 12), (index) => frame(random, index === 0));
  socket.write(Buffer.concat(frames));
  await linger();
}

function frame(random: Random, isFirst: boolean): Buffer {
  const payload = encoded(said(random, isFirst));
  const isDamaged = !isFirst && chance(random, 0.3);
  const opcode = isFirst || chance(random, 0.9) ? 1 : integer(random, 0, 15);
  const whole = unmasked(
    wsFrame(opcode, isDamaged ? mutate(random, payload, () => bytes(random, 32)) : payload),
  );
  return chance(random, 0.05) ? mutate(random, whole, () => bytes(random, 16)) : whole;
}

/** Waits for the first bytes of HTTP/2 and answers with frames of it. */
export async function grpcAnswer(random: Random, socket: Socket): Promise<void> {
  await readUntil(socket, (read) => read.length > 24);
  const messages = times(integer(random, 1, 12), (index) => said(random, index === 0));
  const answer = http2Answer(grpcEvents(random, messages));
  socket.write(chance(random, 0.5) ? mutate(random, answer, () => bytes(random, 32)) : answer);
  await linger();
}

function said(random: Random, isFirst: boolean): CloudEvent {
  if (isFirst && chance(random, 0.9)) return welcome();
  return chance(random, 0.1) ? control(random) : event(random);
}

function encoded(said: CloudEvent): Buffer {
  try {
    return Buffer.from(jsonCodec.encode(said));
  } catch (thrown) {
    if (thrown instanceof HawserError) return Buffer.from("{}");
    throw thrown;
  }
}

function grant(head: string): string {
  const key = /^sec-websocket-key: (.+)$/im.exec(head)?.[1]?.trim() ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-protocol: cloudevents.json\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
}

/** What was read once it is enough, or all there is. */
function readUntil(socket: Socket, isEnough: (read: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve) => {
    let read = Buffer.alloc(0);
    const end = (): void => {
      socket.off("data", take);
      socket.off("close", end);
      resolve(read);
    };
    const take = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      if (isEnough(read)) end();
    };
    socket.on("data", take);
    socket.on("close", end);
  });
}

function linger(): Promise<void> {
  return new Promise((resolve) => void systemTimers.after(LINGER_MS, resolve));
}
