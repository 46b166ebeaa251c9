import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { HTTP2_PREFACE, protocolOf, readProtocol, type ApplicationProtocol } from "./read-protocol.js";

const UPGRADE = Buffer.from("GET /v1/connect HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n\r\n");
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** A socket whose peer says what the test pushes. */
function pipe(): Duplex {
  return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}

async function feed(chunks: readonly Buffer[]): Promise<{ protocol: ApplicationProtocol; rest: Buffer }> {
  const socket = pipe();
  const decided = new Promise<ApplicationProtocol>((resolve) => {
    readProtocol(socket, resolve);
  });
  for (const chunk of chunks) {
    socket.push(chunk);
    await nextTick();
  }
  const protocol = await decided;
  const read: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => read.push(chunk));
  socket.push(null);
  await new Promise((resolve) => {
    socket.once("end", resolve);
  });
  return { protocol, rest: Buffer.concat(read) };
}

describe("protocolOf", () => {
  it("waits as long as the bytes are those of the preface", () => {
    for (let length = 0; length < HTTP2_PREFACE.length; length += 1) {
      expect(protocolOf(HTTP2_PREFACE.subarray(0, length))).toBeUndefined();
    }
    expect(protocolOf(HTTP2_PREFACE)).toBe("h2");
    expect(protocolOf(Buffer.concat([HTTP2_PREFACE, SETTINGS]))).toBe("h2");
  });

  it("knows by the first byte that differs, wherever it is", () => {
    for (let index = 0; index < HTTP2_PREFACE.length; index += 1) {
      const bytes = Buffer.from(HTTP2_PREFACE.subarray(0, index + 1));
      bytes.writeUInt8(bytes.readUInt8(index) ^ 0x20, index);
      expect(protocolOf(bytes)).toBe("http/1.1");
    }
  });
});

describe("readProtocol", () => {
  for (const [name, bytes, protocol] of [
    ["an HTTP/2 client", Buffer.concat([HTTP2_PREFACE, SETTINGS]), "h2"],
    ["an upgrade", UPGRADE, "http/1.1"],
    ["a method that begins like the preface", Buffer.from("PROPFIND / HTTP/1.1\r\n\r\n"), "http/1.1"],
  ] as const) {
    it(`decides and loses nothing of ${name}, split at every boundary`, async () => {
      for (let at = 1; at < bytes.length; at += 1) {
        const result = await feed([bytes.subarray(0, at), bytes.subarray(at)]);
        expect(result.protocol, `split at ${at}`).toBe(protocol);
        expect(result.rest.equals(bytes), `split at ${at}`).toBe(true);
      }
    });

    it(`decides and loses nothing of ${name}, byte by byte`, async () => {
      const result = await feed([...bytes].map((byte) => Buffer.from([byte])));
      expect(result).toEqual({ protocol, rest: bytes });
    });
  }

  it("destroys a socket that ends within the preface", async () => {
    const socket = pipe();
    let decided = false;
    readProtocol(socket, () => {
      decided = true;
    });
    socket.push(HTTP2_PREFACE.subarray(0, 23));
    socket.push(null);
    await new Promise((resolve) => {
      socket.once("close", resolve);
    });
    expect(decided).toBe(false);
  });

  it("leaves no listener behind", async () => {
    const socket = pipe();
    const before = socket.eventNames();
    const decided = new Promise((resolve) => {
      readProtocol(socket, resolve);
    });
    socket.push(UPGRADE);
    await decided;
    expect(socket.eventNames()).toEqual(before);
  });
});
