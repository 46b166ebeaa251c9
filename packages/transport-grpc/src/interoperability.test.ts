import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServiceDefinition,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  CLOSE_EVENT_TYPE,
  encodeClose,
  parseClose,
  protobufBatchCodec,
  type CloudEvent,
} from "@hawser/protocol";
import type { Connection, ConnectionEnd } from "@hawser/transport";
import { afterEach, describe, expect, it } from "vitest";
import { CONNECT_PATH, createGrpcAcceptor, createGrpcDialer } from "./index.js";

// The reference is grpc-js with the service written down by hand: what any gRPC library makes of the same .proto file. It sends
// batches of one, as the simplest peer does.
const encode = (value: CloudEvent): Buffer => Buffer.from(protobufBatchCodec.encode([value]));
const decode = (bytes: Buffer): CloudEvent[] => protobufBatchCodec.decode(bytes);
const SERVICE: ServiceDefinition = {
  Connect: {
    path: CONNECT_PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: encode,
    requestDeserialize: decode,
    responseSerialize: encode,
    responseDeserialize: decode,
  },
};

const event = (id: string): CloudEvent => ({
  specversion: "1.0",
  id,
  source: "/test",
  type: "com.example.v1",
  datacontenttype: "application/json",
  data: { padding: "x".repeat(2000) },
});

const range = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

describe("a grpc-js client and our acceptor", () => {
  async function connect(onConnection: (connection: Connection) => void) {
    const acceptor = createGrpcAcceptor();
    await acceptor.start(onConnection);
    const listener = createServer((socket) => acceptor.accept(socket, { address: "client" }));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const client = new Client(
      `127.0.0.1:${(listener.address() as AddressInfo).port}`,
      credentials.createInsecure(),
    );
    cleanups.push(
      () => new Promise((resolve) => listener.close(resolve)),
      () => acceptor.stop(),
      () => client.close(),
    );
    const metadata = new Metadata();
    metadata.set("authorization", "Bearer t");
    return client.makeBidiStreamRequest<CloudEvent, CloudEvent[]>(CONNECT_PATH, encode, decode, metadata);
  }

  it("exchange events, and the client's half-close is a clean close", async () => {
    const ended: ConnectionEnd[] = [];
    const call = await connect((connection) => {
      expect(connection.peer.authorization).toBe("Bearer t");
      connection.open({
        message: (received) => connection.send(received),
        writable: () => {},
        ended: (end) => ended.push(end),
      });
    });
    const echoed: string[] = [];
    for (const id of range(500)) call.write(event(id));
    call.on("data", (batch: CloudEvent[]) => {
      echoed.push(...batch.map(({ id }) => id));
      if (echoed.length === 500) call.end();
    });
    const [final] = (await once(call, "status")) as [{ code: number; metadata: Metadata }];
    expect(echoed).toEqual(range(500));
    expect(final.code).toBe(status.OK);
    expect(final.metadata.get("hawser-close-code")).toEqual(["1000"]);
    expect(ended).toEqual([{ kind: "closed", clean: true, code: 1000, reason: "", by: "peer" }]);
  });

  it("the server's close is a last event, and behind the client's end a status with the code in a trailer", async () => {
    const ended: ConnectionEnd[] = [];
    const call = await connect((connection) => {
      connection.open({ message: () => {}, writable: () => {}, ended: (end) => ended.push(end) });
      connection.close(4002, "a newer session is open: ü 100 %");
    });
    call.on("error", () => {});
    const close = new Promise((resolve) => {
      call.on("data", ([last]: CloudEvent[]) => {
        if (last?.type !== CLOSE_EVENT_TYPE) return;
        resolve(parseClose(last));
        call.end();
      });
    });
    expect(await close).toEqual({ code: 4002, reason: "a newer session is open: ü 100 %" });
    const final = await new Promise<StatusObject>((resolve) => call.on("status", resolve));
    expect(final).toMatchObject({ code: status.ABORTED, details: "a newer session is open: ü 100 %" });
    expect(final.metadata.get("hawser-close-code")).toEqual(["4002"]);
    await expect.poll(() => ended).toMatchObject([{ kind: "closed", code: 4002, by: "local" }]);
  });

  it("a cancelled call is lost", async () => {
    const ended: ConnectionEnd[] = [];
    const call = await connect((connection) => {
      connection.open({ message: () => {}, writable: () => {}, ended: (end) => ended.push(end) });
    });
    call.on("error", () => {});
    await once(call, "metadata");
    call.cancel();
    await expect.poll(() => ended).toMatchObject([{ kind: "lost", error: { code: "connection_closed" } }]);
  });
});

describe("our dialer and a grpc-js server", () => {
  type Call = ServerDuplexStream<CloudEvent[], CloudEvent>;

  async function dial(serve: (call: Call) => void): Promise<Connection> {
    const server = new Server();
    server.addService(SERVICE, { Connect: serve });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    cleanups.push(() => server.forceShutdown());
    return createGrpcDialer({ url: `grpc://127.0.0.1:${port}`, authorization: () => "Bearer t" }).dial();
  }

  function hear(connection: Connection) {
    const ids: string[] = [];
    const end = new Promise<ConnectionEnd>((resolve) => {
      connection.open({ message: ({ id }) => ids.push(id), writable: () => {}, ended: resolve });
    });
    return { ids, end };
  }

  it("exchange events, and a half-close is answered by OK", async () => {
    const connection = await dial((call) => {
      call.sendMetadata(new Metadata());
      expect(call.metadata.get("authorization")).toEqual(["Bearer t"]);
      call.on("data", (batch: CloudEvent[]) => batch.map((received) => call.write(received)));
      call.on("end", () => call.end());
    });
    const heard = hear(connection);
    for (const id of range(500)) connection.send(event(id));
    connection.close(1000, "");
    expect(await heard.end).toEqual({ kind: "closed", clean: true, code: 1000, reason: "", by: "local" });
    expect(heard.ids).toEqual(range(500));
  });

  // nginx holds the request back until there is data, so neither side may wait for the other's first word.
  it("a server that sends nothing, not even headers, before it has heard something is spoken to", async () => {
    const connection = await dial((call) => {
      call.once("data", ([first]: CloudEvent[]) => {
        if (first !== undefined) call.write(first);
        call.end();
      });
    });
    connection.send(event("hello"));
    const heard = hear(connection);
    expect(await heard.end).toMatchObject({ kind: "closed", code: 1000, by: "peer" });
    expect(heard.ids).toEqual(["hello"]);
  });

  it("a close event is what the server meant, and nothing sent before it is lost", async () => {
    const connection = await dial((call) => {
      for (const id of range(50)) call.write(event(id));
      const close = { code: 4003, reason: "who are you?" };
      call.write(encodeClose(close, { id: "close", source: "/test" }));
      call.on("data", () => {});
      call.on("end", () => call.emit("error", { code: status.UNAUTHENTICATED, details: "" }));
    });
    const heard = hear(connection);
    expect(await heard.end).toEqual({
      kind: "closed",
      clean: false,
      code: 4003,
      reason: "who are you?",
      by: "peer",
    });
    expect(heard.ids).toEqual(range(50));
  });

  it("a close code in the trailers alone is what the server meant", async () => {
    const connection = await dial((call) => {
      const trailers = new Metadata();
      trailers.set("hawser-close-code", "4001");
      call.emit("error", { code: status.DEADLINE_EXCEEDED, details: "silence", metadata: trailers });
    });
    expect(await hear(connection).end).toMatchObject({
      kind: "closed",
      code: 4001,
      reason: "silence",
      by: "peer",
    });
  });

  it("a failing status without the code is lost", async () => {
    const connection = await dial((call) => {
      call.sendMetadata(new Metadata());
      call.emit("error", { code: status.UNAVAILABLE, details: "proxy restarts" });
    });
    expect(await hear(connection).end).toMatchObject({
      kind: "lost",
      error: { message: expect.stringContaining("proxy restarts") as string },
    });
  });

  it.each([
    ["UNAUTHENTICATED", {}, { kind: "closed", code: 4003, by: "peer" }],
    ["PERMISSION_DENIED", {}, { kind: "closed", code: 4004, by: "peer" }],
    ["UNAVAILABLE", {}, { kind: "lost", error: { code: "connection_failed" } }],
    [
      "UNAVAILABLE",
      { "grpc-retry-pushback-ms": "1500" },
      { kind: "lost", error: { code: "overloaded", cause: { retryAfterMs: 1500, slot: true } } },
    ],
    [
      "UNAVAILABLE",
      { "retry-after": "2" },
      { kind: "lost", error: { code: "overloaded", cause: { retryAfterMs: 2000, slot: false } } },
    ],
  ] as const)("a refusal with %s %j is how the connection ends", async (name, trailers, expected) => {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
    const connection = await dial((call) =>
      call.emit("error", { code: status[name], details: "no", metadata }),
    );
    expect(await hear(connection).end).toMatchObject(expected);
  });
});
