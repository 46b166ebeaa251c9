import { credentials, makeGenericClientConstructor, type ClientDuplexStream } from "@grpc/grpc-js";
import WebSocket from "ws";
import type { ClientCommands } from "./child-commands.js";
import { RAW_ACK_BYTES, RAW_SERVICE, SEQUENCE_BYTES } from "./raw-grpc-service.js";
import { cpuTime, quiet, serveCommands } from "./served-commands.js";

function connectWebSocket(port: number): Promise<() => void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on("message", (data: Buffer) => {
    const event: { readonly resourceid: string; readonly eventid: string } = JSON.parse(data.toString());
    const { resourceid, eventid } = event;
    socket.send(JSON.stringify({ type: "ack", resourceid, eventid }));
  });
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(() => socket.terminate()));
    socket.once("error", reject);
  });
}

const RawClient = makeGenericClientConstructor(RAW_SERVICE, "Raw");

function connectGrpc(port: number): () => void {
  // A connection of its own for each client, as agents on different machines have.
  const client = new RawClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const { requestSerialize, responseDeserialize, path } = RAW_SERVICE.exchange;
  const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
  );
  stream.on("data", (message: Buffer) => {
    const ack = Buffer.alloc(RAW_ACK_BYTES);
    message.copy(ack, 0, 0, SEQUENCE_BYTES);
    stream.write(ack);
  });
  stream.on("error", () => {});
  stream.write(Buffer.alloc(0));
  return () => client.close();
}

class RawClientsProcess implements ClientCommands {
  readonly #closers: (() => void)[] = [];

  async start({ transport, agents, port }: Parameters<ClientCommands["start"]>[0]): Promise<void> {
    for (let agent = 0; agent < agents; agent += 1) {
      this.#closers.push(transport === "grpc" ? connectGrpc(port) : await connectWebSocket(port));
    }
  }

  quiet = quiet;
  cpuTime = cpuTime;

  stop(): Promise<void> {
    for (const close of this.#closers) close();
    return Promise.resolve();
  }
}

serveCommands(new RawClientsProcess());
