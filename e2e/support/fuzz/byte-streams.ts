import { jsonCodec, protobufCodec, HawserError, type CloudEvent } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { connectFields, headerField, http2Frame, PREFACE } from "../http2-frames.js";
import { wsFrame } from "../raw-websocket.js";
import { bytes, chance, integer, pick, times } from "./draws.js";
import { control, event } from "./frames.js";
import { mutate } from "./mutate.js";

/** Frames, messages or requests of one connection at most; half as many on average, each an input. */
const MOST_INPUTS = 19;

/** What a client writes to a port, as far as it comes: right in form, then damaged. */
export interface ByteStream {
  readonly name: string;
  bytes(random: Random): Buffer;
}

function encoded(encode: (event: CloudEvent) => string | Uint8Array, said: CloudEvent): Buffer {
  try {
    return Buffer.from(encode(said));
  } catch (thrown) {
    if (thrown instanceof HawserError) return Buffer.from("{}");
    throw thrown;
  }
}

const UPGRADE = (subprotocol: string): string =>
  [
    "GET /v1/connect HTTP/1.1",
    "host: 127.0.0.1",
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    `sec-websocket-protocol: ${subprotocol}`,
    "",
    "",
  ].join("\r\n");

const REQUESTS: readonly [string, ...string[]] = [
  UPGRADE("cloudevents.json"),
  "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
  'POST /v1/agents/fuzz/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
  "OPTIONS * HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nabcd",
  "CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
];

const http1: ByteStream = {
  name: "HTTP/1.1",
  bytes(random) {
    const requests = times(integer(random, 1, MOST_INPUTS), () => pick(random, REQUESTS)).join("");
    return mutate(random, Buffer.from(requests), () => bytes(random, 64));
  },
};

/** The upgrade is right, the frames behind it are not. */
const webSocket: ByteStream = {
  name: "WebSocket",
  bytes(random) {
    const isJson = chance(random, 0.5);
    const frames = times(integer(random, 1, MOST_INPUTS), () => {
      const said = chance(random, 0.6) ? control(random) : event(random);
      const payload = isJson
        ? encoded((one) => jsonCodec.encode(one), said)
        : encoded((one) => protobufCodec.encode(one), said);
      const damaged = chance(random, 0.5) ? mutate(random, payload, () => bytes(random, 32)) : payload;
      const opcode = chance(random, 0.8) ? (isJson ? 1 : 2) : integer(random, 0, 15);
      const announced = chance(random, 0.1) ? integer(random, 0, 2_000_000) : undefined;
      const frame = wsFrame(opcode, damaged, announced);
      return chance(random, 0.3) ? mutate(random, frame, () => bytes(random, 16)) : frame;
    });
    return Buffer.concat([
      Buffer.from(UPGRADE(isJson ? "cloudevents.json" : "cloudevents.proto")),
      ...frames,
    ]);
  },
};

const CONNECT = connectFields();

/** Of either end: what is not named keeps its default. */
export const HTTP2_SETTINGS = http2Frame(4, 0, 0, Buffer.alloc(0));

const http2: ByteStream = {
  name: "HTTP/2 frames",
  bytes(random) {
    const frames = times(integer(random, 1, MOST_INPUTS), () =>
      chance(random, 0.3)
        ? http2Frame(1, pick(random, [4, 5, 0, 0x24]), integer(random, 0, 9), CONNECT)
        : http2Frame(
            integer(random, 0, 12),
            integer(random, 0, 255),
            integer(random, 0, 9),
            bytes(random, 40),
          ),
    );
    const all = Buffer.concat([PREFACE, HTTP2_SETTINGS, ...frames]);
    return chance(random, 0.4) ? mutate(random, all, () => bytes(random, 32)) : all;
  },
};

/** A message of gRPC: compressed flag, length, bytes (gRPC over HTTP/2). */
function grpcMessage(payload: Buffer, flag = 0, length = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, payload]);
}

function damagedGrpcMessage(random: Random, payload: Buffer): Buffer {
  const mutated = mutate(random, payload, () => bytes(random, 32));
  const flag = chance(random, 0.9) ? 0 : 1;
  return grpcMessage(mutated, flag, chance(random, 0.9) ? mutated.length : integer(random, 0, 0xffff_ffff));
}

const grpc: ByteStream = {
  name: "gRPC messages",
  bytes(random) {
    const said = times(integer(random, 1, MOST_INPUTS), () =>
      chance(random, 0.6) ? control(random) : event(random),
    );
    const all = Buffer.concat([
      PREFACE,
      HTTP2_SETTINGS,
      http2Frame(1, 4, 1, CONNECT),
      grpcEvents(random, said),
    ]);
    return chance(random, 0.2) ? mutate(random, all, () => bytes(random, 32)) : all;
  },
};

/** Each event as a batch of one in DATA of stream 1. The first, which opens the session, is whole; of the others a third is damaged. */
export function grpcEvents(random: Random, said: readonly CloudEvent[]): Buffer {
  const frames = said.map((one, index) => {
    const isWhole = index === 0 || chance(random, 0.7);
    const payload = encoded((event) => protobufCodec.encode(event), one);
    // As `io.cloudevents.v1.CloudEventBatch` has it: field 1, with its length.
    const entry = Buffer.concat([Buffer.from([0x0a]), varint(payload.length), payload]);
    if (isWhole) return http2Frame(0, 0, 1, grpcMessage(entry));
    return http2Frame(0, chance(random, 0.3) ? 1 : 0, 1, damagedGrpcMessage(random, entry));
  });
  return Buffer.concat(frames);
}

/** What a server of gRPC answers to the first stream of a client after its settings, with `data` in it. */
export function http2Answer(data: Buffer): Buffer {
  // `:status: 200` is entry 8 of the static table (RFC 7541, appendix A).
  const head = Buffer.concat([Buffer.from([0x88]), headerField("content-type", "application/grpc")]);
  return Buffer.concat([http2Frame(4, 1, 0, Buffer.alloc(0)), http2Frame(1, 4, 1, head), data]);
}

function varint(value: number): Buffer {
  const result: number[] = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 0x80) return Buffer.from([...result, left]);
    result.push((left & 0x7f) | 0x80);
  }
}

const garbage: ByteStream = { name: "garbage", bytes: (random) => bytes(random, 200) };

/** Before nghttp2 1.68.1 a few frames end a process in C (CVE-2026-27135): there is nothing to find on such a Node but this. */
function isHttp2Safe(version = process.versions["nghttp2"] ?? "0"): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 1_068_001;
}

/** What is written on this Node. */
export const BYTE_STREAMS: readonly [ByteStream, ...ByteStream[]] = [
  http1,
  webSocket,
  garbage,
  ...(isHttp2Safe() ? [http2, grpc] : []),
];
