import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface RawFrame {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  readonly fin?: boolean;
  readonly masked?: boolean;
  /** Announces this length instead of the payload's. */
  readonly announcedLength?: number;
  /** Bits RSV1 to RSV3, as 4, 2 and 1. */
  readonly reserved?: number;
}

/** A client that writes whatever bytes it likes. */
export class RawPeer {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    // Being reset is one of the ways a server may end a hostile connection.
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#wake();
        resolve();
      });
    });
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connect({ port, host: "127.0.0.1" });
    const peer = new RawPeer(socket);
    await once(socket, "connect");
    onTestFinished(() => void socket.destroy());
    return peer;
  }

  /** A peer whose upgrade was accepted. */
  static async upgraded(port: number, subprotocol: string): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    peer.socket.write(upgradeRequest({ "sec-websocket-protocol": subprotocol }));
    const head = await peer.readHead();
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`The upgrade was refused: ${head}`);
    return peer;
  }

  /** The head of an HTTP answer, without its empty line. */
  async readHead(): Promise<string> {
    const end = await this.#until(
      () => this.#received.indexOf("\r\n\r\n"),
      (index) => index >= 0,
    );
    return this.#take(end + 4).toString();
  }

  /** The status, headers and JSON body of an HTTP answer. */
  async readAnswer(): Promise<{ status: number; head: string; body: unknown }> {
    const head = await this.readHead();
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    await this.#until(
      () => this.#received.length,
      (bytes) => bytes >= length,
    );
    const body = this.#take(length).toString();
    return {
      status: Number(head.split(" ")[1]),
      head: head.toLowerCase(),
      body: body === "" ? undefined : JSON.parse(body),
    };
  }

  send(frame: RawFrame): void {
    this.socket.write(encodeFrame(frame));
  }

  /** The next frame the server sent. */
  async readFrame(): Promise<{ opcode: number; payload: Buffer }> {
    await this.#until(
      () => this.#received.length,
      (bytes) => bytes >= 2,
    );
    const short = (this.#received[1] ?? 0) & 0x7f;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    await this.#until(
      () => this.#received.length,
      (bytes) => bytes >= start,
    );
    const length =
      short === 127
        ? Number(this.#received.readBigUInt64BE(2))
        : short === 126
          ? this.#received.readUInt16BE(2)
          : short;
    await this.#until(
      () => this.#received.length,
      (bytes) => bytes >= start + length,
    );
    const frame = this.#take(start + length);
    return { opcode: (frame[0] ?? 0) & 0x0f, payload: frame.subarray(start) };
  }

  /** The code of the next close frame; whatever comes before it is skipped. */
  async readCloseCode(): Promise<number> {
    return (await this.readClose()).code;
  }

  async readClose(): Promise<{ readonly code: number; readonly reason: string }> {
    for (;;) {
      const { opcode, payload } = await this.readFrame();
      if (opcode === OPCODES.close)
        return { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  async #until<T>(measure: () => T, enough: (value: T) => boolean): Promise<T> {
    for (let value = measure(); ; value = measure()) {
      if (enough(value)) return value;
      if (this.socket.destroyed) throw new Error("The server ended the connection without saying more.");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export function upgradeRequest(headers: Record<string, string> = {}, path = "/v1/connect"): string {
  const all = {
    host: "principal",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

export function encodeFrame(frame: RawFrame): Buffer {
  const { opcode, fin = true, masked = true, reserved = 0 } = frame;
  const payload = Buffer.from(frame.payload ?? "");
  const length = frame.announcedLength ?? payload.length;
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([first, maskBit | length])
      : length < 65_536
        ? Buffer.from([first, maskBit | 126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([first, maskBit | 127]), bigLength(length)]);
  // The mask is zero: it changes nothing, and the bytes stay readable in a failing test.
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

function bigLength(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
