import { once } from "node:events";
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { CLOSE_EVENT_TYPE, protobufBatchCodec, protobufCodec } from "@hawser/protocol";
import { CONNECT_PATH } from "@hawser/transport-grpc";
import type { Wire, WireEnd } from "./wire.js";

/** A gRPC stream written by hand over HTTP/2. It ends its side when the other says that it closes. */
export class RawGrpc implements Wire {
  /** The events that came, each by itself. */
  readonly frames: Buffer[] = [];
  readonly ended: Promise<WireEnd>;
  /** Of the trailers, once they are there. */
  status: number | undefined;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  #buffer = Buffer.alloc(0);

  private constructor(session: ClientHttp2Session, stream: ClientHttp2Stream) {
    this.#session = session;
    this.#stream = stream;
    this.ended = new Promise((resolve) => {
      stream.on("trailers", (trailers) => {
        const code = trailers["hawser-close-code"];
        this.status = Number(trailers["grpc-status"]);
        const reason = decodeURIComponent(String(trailers["grpc-message"] ?? ""));
        resolve({ code: code === undefined ? undefined : Number(code), reason });
      });
      stream.on("close", () => resolve({ code: undefined, reason: "no status" }));
    });
    stream.on("data", (chunk: Buffer) => this.#read(chunk));
    void this.ended.then(() => session.destroy());
  }

  static async open({ host, port }: { readonly host: string; readonly port: number }): Promise<RawGrpc> {
    const session = connect(`http://${host}:${port}`);
    session.on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": CONNECT_PATH,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    const wire = new RawGrpc(session, stream);
    await once(stream, "response");
    return wire;
  }

  /** @param payload an event; it travels as a batch of one */
  sendFrame(payload: string | Uint8Array): void {
    this.sendBytes(grpcMessage(batchOfOne(Buffer.from(payload))));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Half-closes, as a client that is done does. */
  halfClose(): void {
    this.#stream.end();
  }

  /** Stops to read, as a process that hangs does. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  cut(): void {
    this.#session.destroy();
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (this.#buffer.length >= 5) {
      const end = 5 + this.#buffer.readUInt32BE(1);
      if (this.#buffer.length < end) return;
      this.#take(Uint8Array.from(this.#buffer.subarray(5, end)));
      this.#buffer = this.#buffer.subarray(end);
    }
  }

  #take(message: Uint8Array): void {
    for (const event of protobufBatchCodec.decode(message)) {
      if (event.type === CLOSE_EVENT_TYPE) this.halfClose();
      else this.frames.push(Buffer.from(protobufCodec.encode(event)));
    }
  }
}

/** An `io.cloudevents.v1.CloudEventBatch`: field 1, the length, and the event. */
function batchOfOne(event: Buffer): Buffer {
  const head = [0x0a];
  for (let rest = event.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      head.push(rest);
      return Buffer.concat([Buffer.from(head), event]);
    }
    head.push((rest & 0x7f) | 0x80);
  }
}

/** @param announced the length to claim, when it is to be a lie */
export function grpcMessage(payload: Uint8Array, announced = payload.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(announced, 1);
  return Buffer.concat([head, payload]);
}
