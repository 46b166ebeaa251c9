import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Wire, WireEnd } from "./wire.js";

export const OPCODE = { text: 1, binary: 2, close: 8, pong: 10 } as const;

export interface Upgrade {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const KEY = randomBytes(16).toString("base64");
const ACCEPT = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

/** A WebSocket written by hand, since no client of a library says what no client should say. */
export class RawWebSocket implements Wire {
  readonly frames: string[] = [];
  readonly ended: Promise<WireEnd>;
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);
  #end: (end: WireEnd) => void = () => {};

  private constructor(socket: Socket, rest: Buffer) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("close", () => this.#end({ code: undefined, reason: "no close" }));
    this.#read(rest);
  }

  /** Answers the socket, or how the server refused to make one. */
  static async open(
    { host, port }: { readonly host: string; readonly port: number },
    headers: Readonly<Record<string, string>>,
  ): Promise<RawWebSocket | Upgrade> {
    const socket = connect(port, host);
    socket.on("error", () => {});
    const lines = Object.entries({
      host: `${host}:${port}`,
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": KEY,
      ...headers,
    }).map(([name, value]) => `${name}: ${value}`);
    socket.write(`GET /v1/connect HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    const { upgrade, rest } = await readHead(socket);
    if (upgrade.status !== 101) {
      socket.destroy();
      return upgrade;
    }
    if (upgrade.headers.get("sec-websocket-accept") !== ACCEPT) throw new Error("the handshake is wrong");
    return new RawWebSocket(socket, rest);
  }

  sendFrame(payload: string | Uint8Array): void {
    this.sendBytes(wsFrame(typeof payload === "string" ? OPCODE.text : OPCODE.binary, payload));
  }

  close(code: number, reason: string): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.sendBytes(wsFrame(OPCODE.close, Buffer.concat([payload, Buffer.from(reason)])));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Stops to read, as a process that hangs does. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  cut(): void {
    this.#socket.destroy();
  }

  // Frames of a server are not masked, and ours are small: one buffer and no fragments will do.
  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const head = this.#buffer;
      if (head.length < 2) return;
      const short = head.readUInt8(1) & 0x7f;
      const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
      if (head.length < 2 + lengthBytes) return;
      const length =
        short === 127 ? Number(head.readBigUInt64BE(2)) : short === 126 ? head.readUInt16BE(2) : short;
      const end = 2 + lengthBytes + length;
      if (head.length < end) return;
      const payload = head.subarray(2 + lengthBytes, end);
      this.#buffer = head.subarray(end);
      this.#frame(head.readUInt8(0) & 0x0f, payload);
    }
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.text || opcode === OPCODE.binary) this.frames.push(payload.toString("utf8"));
    if (opcode !== OPCODE.close) return;
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : undefined;
    this.#end({ code, reason: payload.subarray(2).toString("utf8") });
    this.#socket.end(wsFrame(OPCODE.close, payload));
  }
}

/** The same frame as a server sends it: without a mask. */
export function unmasked(frame: Buffer): Buffer {
  const length = frame.readUInt8(1) & 0x7f;
  const maskAt = length === 127 ? 10 : length === 126 ? 4 : 2;
  const bare = Buffer.concat([frame.subarray(0, maskAt), frame.subarray(maskAt + 4)]);
  bare.writeUInt8(length, 1);
  return bare;
}

/** A text in crumbs, of which the last never comes. */
export function wsCrumbs(count: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const crumb = wsFrame(index === 0 ? OPCODE.text : 0, "x");
    // Without its FIN bit.
    crumb.writeUInt8(crumb.readUInt8(0) & 0x7f, 0);
    return crumb;
  });
}

/** @param announced the length to claim, when it is to be a lie */
export function wsFrame(opcode: number, payload: string | Uint8Array, announced?: number): Buffer {
  const body = Buffer.from(payload);
  const length = announced ?? body.length;
  const head = Buffer.alloc(10);
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(0x80 | 127, 1);
  head.writeBigUInt64BE(BigInt(length), 2);
  if (length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | length, 0, 0, 0, 0]), body]);
  if (length < 65_536)
    return Buffer.concat([
      Buffer.from([0x80 | opcode, 0x80 | 126, length >> 8, length & 0xff, 0, 0, 0, 0]),
      body,
    ]);
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([head, Buffer.alloc(4), body]);
}

async function readHead(socket: Socket): Promise<{ readonly upgrade: Upgrade; readonly rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const done = (): boolean => {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return false;
      const [statusLine = "", ...lines] = bytes.subarray(0, end).toString().split("\r\n");
      const headers = new Map(
        lines.map((line) => [
          line.slice(0, line.indexOf(":")).toLowerCase(),
          line.slice(line.indexOf(":") + 1).trim(),
        ]),
      );
      const rest = bytes.subarray(end + 4);
      const status = Number(statusLine.split(" ")[1]);
      if (status !== 101 && rest.length < Number(headers.get("content-length") ?? 0)) return false;
      socket.removeAllListeners("data");
      socket.removeAllListeners("close");
      resolve({ upgrade: { status, headers, body: rest.toString() }, rest });
      return true;
    };
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      done();
    });
    socket.on("close", () => {
      if (!done()) reject(new Error(`closed without an answer: ${bytes.toString()}`));
    });
  });
}
