import { createHash } from "node:crypto";
import { once } from "node:events";
import { STATUS_CODES } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { jsonCodec, type CloudEvent } from "@hawser/protocol";
import { AgentCall, type DialAnswer, type HandMadePrincipal } from "./agent-call.js";
import { OPCODE, unmasked, wsFrame } from "./raw-websocket.js";

/** The principal's end of a WebSocket, byte by byte: no library decides what is said. */
class ServedWebSocket extends AgentCall {
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("end", () => this.#dropped("FIN"));
    socket.on("error", () => this.#dropped("RST"));
  }

  send(event: CloudEvent): void {
    this.#frame(OPCODE.text, Buffer.from(jsonCodec.encode(event)));
  }

  sendGarbage(): void {
    this.#frame(OPCODE.text, Buffer.from("{,}"));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  close(code: number, reason: string): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.note("principal", `close frame ${code} "${reason}"`);
    this.#frame(OPCODE.close, Buffer.concat([payload, Buffer.from(reason)]));
  }

  drop(how: "FIN" | "RST"): void {
    this.note("principal", how);
    if (how === "FIN") this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  /** The end of TCP says something only where nothing was said before. */
  #dropped(how: "FIN" | "RST"): void {
    if (this.wire.length === 0) this.note("agent", how);
  }

  #frame(opcode: number, payload: Buffer): void {
    this.#socket.write(unmasked(wsFrame(opcode, payload)));
  }

  // Frames of a client are masked, and an agent's are below 64 KiB here.
  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const head = this.#buffer;
      if (head.length < 2) return;
      const isLong = (head.readUInt8(1) & 0x7f) === 126;
      const maskAt = isLong ? 4 : 2;
      if (head.length < maskAt + 4) return;
      const length = isLong ? head.readUInt16BE(2) : head.readUInt8(1) & 0x7f;
      const end = maskAt + 4 + length;
      if (head.length < end) return;
      const mask = head.subarray(maskAt, maskAt + 4);
      const payload = Buffer.from(head.subarray(maskAt + 4, end));
      for (let at = 0; at < payload.length; at += 1)
        payload.writeUInt8(payload.readUInt8(at) ^ mask.readUInt8(at % 4), at);
      this.#buffer = head.subarray(end);
      this.#take(head.readUInt8(0) & 0x0f, payload);
    }
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.text) this.received(jsonCodec.decode(payload.toString()));
    if (opcode !== OPCODE.close) return;
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : "without a code";
    this.note("agent", `close frame ${code} "${payload.subarray(2).toString()}"`);
    const ours = this.wire.some((line) => line.startsWith("principal: close frame"));
    if (!ours && payload.length >= 2) this.close(payload.readUInt16BE(0), payload.subarray(2).toString());
    this.#socket.end();
  }
}

export async function serveWebSocket(): Promise<HandMadePrincipal> {
  const calls: ServedWebSocket[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    void readHead(socket).then((head) => {
      if (principal.answer !== undefined) return socket.end(refusal(principal.answer));
      calls.push(new ServedWebSocket(socket));
      return socket.write(upgrade(head));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { address, port } = server.address() as AddressInfo;
  const principal: HandMadePrincipal = {
    host: address,
    port,
    calls,
    answer: undefined,
    get connections() {
      return connections;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return principal;
}

function upgrade(head: string): string {
  const key = /^sec-websocket-key: (.+)$/im.exec(head)?.[1]?.trim() ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const headers = `connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-protocol: cloudevents.json`;
  return `HTTP/1.1 101 Switching Protocols\r\n${headers}\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
}

function refusal({ status, headers = {} }: DialAnswer): string {
  const lines = Object.entries({ ...headers, "content-length": "0", connection: "close" });
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** Nothing follows it before it is answered. */
function readHead(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let head = "";
    const read = (chunk: Buffer): void => {
      head += chunk.toString();
      if (!head.endsWith("\r\n\r\n")) return;
      socket.off("data", read);
      resolve(head);
    };
    socket.on("data", read);
  });
}
