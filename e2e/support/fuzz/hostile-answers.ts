import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { jsonCodec, HawserError, type CloudEvent } from "@hawser/protocol";
import { systemTimers, type Random } from "@hawser/runtime";
import { unmasked, wsFrame } from "../raw-websocket.js";
import { grpcEvents, HTTP2_SETTINGS, http2Answer } from "./byte-streams.js";
import { bytes, chance, integer, times } from "./draws.js";
import { control, eventAt, goodEventAt, welcome } from "./frames.js";
import { mutate } from "./mutate.js";

/** The agent has said all it has to say once it says nothing for so long. */
const QUIET_MS = 5;
/** Nothing that is said takes an agent longer to answer. */
const MAX_LINGER_MS = 100;
/** Frames of one answer at most. */
const MOST_FRAMES = 19;

/** Waits for the upgrade of a WebSocket, grants it most of the time, and says things. @param version of its first event; the next have the next */
export async function webSocketAnswer(random: Random, socket: Socket, version: number): Promise<void> {
  const head = await readUntil(socket, (read) => read.includes("\r\n\r\n"));
  const upgrade = Buffer.from(grant(head.toString()));
  const isGranted = chance(random, 0.9);
  socket.write(isGranted ? upgrade : mutate(random, upgrade, () => bytes(random, 64)));
  const frames = times(integer(random, 1, MOST_FRAMES), (index) => frame(random, version, index));
  socket.write(Buffer.concat(frames));
  await linger(socket);
}

function frame(random: Random, version: number, index: number): Buffer {
  const isFirst = index === 0;
  const payload = encoded(said(random, version, index));
  const isDamaged = !isFirst && chance(random, 0.3);
  const opcode = isFirst || chance(random, 0.9) ? 1 : integer(random, 0, 15);
  const whole = unmasked(
    wsFrame(opcode, isDamaged ? mutate(random, payload, () => bytes(random, 32)) : payload),
  );
  return chance(random, 0.05) ? mutate(random, whole, () => bytes(random, 16)) : whole;
}

/** Waits for a stream of HTTP/2 and answers with frames of it. @param version as of `webSocketAnswer` */
export async function grpcAnswer(random: Random, socket: Socket, version: number): Promise<void> {
  // grpc-js begins no stream before it knows the settings of the other end.
  socket.write(HTTP2_SETTINGS);
  await readUntil(socket, hasHttp2Headers);
  const messages = times(integer(random, 1, MOST_FRAMES), (index) => said(random, version, index));
  const answer = http2Answer(grpcEvents(random, messages));
  socket.write(chance(random, 0.5) ? mutate(random, answer, () => bytes(random, 32)) : answer);
  await linger(socket);
}

function said(random: Random, version: number, index: number): CloudEvent {
  if (index === 0 && chance(random, 0.9)) return welcome();
  if (chance(random, 0.1)) return control(random);
  return chance(random, 0.5) ? goodEventAt(random, version + index) : eventAt(random, version + index);
}

/** Whether the client has begun its stream: an answer to one that it has not is an error of the whole connection. */
function hasHttp2Headers(read: Buffer): boolean {
  const preface = 24;
  for (let at = preface; at + 9 <= read.length; at += 9 + read.readUIntBE(at, 3))
    if (read.readUInt8(at + 3) === 1) return true;
  return false;
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
    // The agent may have given up while this call waited to be answered.
    if (socket.destroyed) end();
  });
}

/** Until the agent has ended the connection, or nothing comes from it any more. */
function linger(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      quiet.cancel();
      longest.cancel();
      socket.off("data", heard);
      socket.off("close", end);
      resolve();
    };
    const longest = systemTimers.after(MAX_LINGER_MS, end);
    let quiet = systemTimers.after(QUIET_MS, end);
    const heard = (): void => {
      quiet.cancel();
      quiet = systemTimers.after(QUIET_MS, end);
    };
    socket.on("data", heard);
    socket.on("close", end);
    if (socket.destroyed) end();
  });
}
