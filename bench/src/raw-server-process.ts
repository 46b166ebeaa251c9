import { pause, systemTimers } from "@hawser/runtime";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { WebSocketServer, type WebSocket } from "ws";
import type { Endpoint, ServerCommands } from "./child-commands.js";
import { EventSource } from "./payload.js";
import { RAW_SERVICE, SEQUENCE_BYTES } from "./raw-grpc-service.js";
import { RawLoop } from "./raw-loop.js";
import { eventSizes, rawEvent } from "./raw-message.js";
import { readMemory } from "./read-memory.js";
import { quiet, serveCommands } from "./served-commands.js";

interface RawServer {
  readonly port: number;
  readonly connected: () => number;
  readonly loop: RawLoop;
  stop(): void;
}

/** `ws` as its documentation shows it, JSON built and parsed on this side and on the other. */
function startWebSocket({ agents, maxWindow }: Endpoint): Promise<RawServer> {
  const sockets: WebSocket[] = [];
  const source = new EventSource(maxWindow);
  const loop = new RawLoop(agents, (agent, sequence) => {
    sockets[agent]?.send(JSON.stringify(rawEvent(source, sequence)));
  });
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => {
    const agent = sockets.push(socket) - 1;
    socket.on("message", (data: Buffer) => {
      const ack: { readonly eventid: string } = JSON.parse(data.toString());
      loop.acked(agent, Number(ack.eventid));
    });
  });
  return new Promise((resolve) => {
    server.on("listening", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      resolve({ port, connected: () => sockets.length, loop, stop: () => server.close() });
    });
  });
}

/** grpc-js with bytes of the size of the event: neither side encodes or decodes. */
function startGrpc({ agents }: Endpoint): Promise<RawServer> {
  const streams: ServerDuplexStream<Buffer, Buffer>[] = [];
  const { protobuf } = eventSizes();
  const loop = new RawLoop(agents, (agent, sequence) => {
    const message = Buffer.alloc(protobuf);
    message.writeUInt32BE(sequence);
    streams[agent]?.write(message);
  });
  const server = new Server();
  server.addService(RAW_SERVICE, {
    exchange: (stream: ServerDuplexStream<Buffer, Buffer>) => {
      const agent = streams.push(stream) - 1;
      stream.on("data", (ack: Buffer) => {
        // The first message of a stream only opens it.
        if (ack.length >= SEQUENCE_BYTES) loop.acked(agent, ack.readUInt32BE());
      });
      stream.on("end", () => stream.end());
      stream.on("error", () => {});
    },
  });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error !== null) reject(error);
      else resolve({ port, connected: () => streams.length, loop, stop: () => server.forceShutdown() });
    });
  });
}

const CONNECT_POLL_MS = 10;

class RawServerProcess implements ServerCommands {
  #server: RawServer | undefined;

  async start(endpoint: Endpoint): Promise<{ port: number }> {
    this.#server = await (endpoint.transport === "grpc" ? startGrpc(endpoint) : startWebSocket(endpoint));
    return { port: this.#server.port };
  }

  async connected(agents: number): Promise<void> {
    while ((this.#server?.connected() ?? 0) < agents) await pause(systemTimers, CONNECT_POLL_MS);
  }

  measure(load: Parameters<ServerCommands["measure"]>[0]): ReturnType<ServerCommands["measure"]> {
    if (this.#server === undefined) throw new Error("not started");
    return this.#server.loop.loop.run(load);
  }

  quiet = quiet;
  memory = readMemory;

  fill(): never {
    throw new Error("a raw transport keeps nothing");
  }

  stop(): Promise<void> {
    this.#server?.stop();
    return Promise.resolve();
  }
}

serveCommands(new RawServerProcess());
