import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { HawserError, type CloudEvent } from "@hawser/protocol";
import type { Acceptor, Connection, ConnectionEnd, ConnectionHandlers, Screen } from "@hawser/transport";
import { expect, onTestFinished, test } from "vitest";
import { BatchWriter } from "./batch-writer.js";
import { createGrpcAcceptor, createGrpcDialer } from "./index.js";

const EVENT: CloudEvent = { specversion: "1.0", id: "1", source: "/test", type: "com.example.test.v1" };

/** What is thrown out of an event would end this process, and the test run with it. */
function thrower(): never {
  throw new Error("a fault of the owner");
}

async function listening(
  acceptor: Acceptor,
  onConnection: (connection: Connection) => void,
  screen?: Screen,
): Promise<number> {
  await acceptor.start(onConnection, screen);
  const server = createServer((socket) => acceptor.accept(socket, { address: "peer:1" }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    await acceptor.stop();
    const closed = once(server, "close");
    server.close();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

function dialerTo(port: number, more: Partial<Parameters<typeof createGrpcDialer>[0]> = {}) {
  const scheme = more.tls === undefined ? "grpc" : "grpcs";
  return createGrpcDialer({ url: `${scheme}://127.0.0.1:${port}`, ...more });
}

/** Opens it and tells of its end; echoes what comes. */
function echoing(connection: Connection): Promise<ConnectionEnd> {
  return new Promise((resolve) =>
    connection.open({ message: (event) => connection.send(event), writable: () => {}, ended: resolve }),
  );
}

/** Opens it; answers what sends an event and waits for its echo. */
function pinging(connection: Connection): () => Promise<void> {
  let echoed = (): void => {};
  connection.open({ message: () => echoed(), writable: () => {}, ended: () => {} });
  return () =>
    new Promise((resolve) => {
      echoed = resolve;
      connection.send(EVENT);
    });
}

test.each(["message", "unreadable", "writable", "retiring", "ended"] as const)(
  "an owner at either end that throws in %s loses this connection alone",
  async (where) => {
    const servers: Connection[] = [];
    let isBad = false;
    const handlers: ConnectionHandlers = { message: () => {}, writable: () => {}, ended: () => {} };
    const port = await listening(createGrpcAcceptor(), (connection) => {
      servers.push(connection);
      if (isBad) connection.open({ ...handlers, [where]: thrower });
      else void echoing(connection);
    });
    const well = await dialerTo(port).dial();
    const ping = pinging(well);
    // A dial is through before the stream is at the other end.
    await ping();
    isBad = true;
    const bad = await dialerTo(port).dial();
    const ended = new Promise<void>((resolve) => {
      bad.open({
        ...handlers,
        [where]: thrower,
        ended: () => {
          resolve();
          if (where === "ended") thrower();
        },
      });
    });
    bad.send(EVENT);
    bad.send({ ...EVENT, resourceid: "a_1", eventid: "1", subject: "" });
    await expect.poll(() => servers.length).toBe(2);
    servers[1]?.send(EVENT);
    servers[1]?.close(1000, "");
    bad.close(1000, "");
    await ended;
    await ping();
    well.terminate(new HawserError("aborted", "the test is over"));
  },
);

test("an owner that throws as it is given a connection, or as it looks at one, loses this one alone", async () => {
  let throwsAt: "screen" | "connection" | undefined;
  const port = await listening(
    createGrpcAcceptor(),
    (connection) => {
      if (throwsAt === "connection") thrower();
      void echoing(connection);
    },
    () => (throwsAt === "screen" ? thrower() : undefined),
  );
  const ping = pinging(await dialerTo(port).dial());
  await ping();
  for (const at of ["screen", "connection"] as const) {
    throwsAt = at;
    const dialled = dialerTo(port).dial();
    const end = await dialled.then(
      (connection) =>
        new Promise<ConnectionEnd>((resolve) =>
          connection.open({ message: () => {}, writable: () => {}, ended: resolve }),
        ),
      () => ({ kind: "lost" }),
    );
    expect(end).toMatchObject({ kind: "lost" });
  }
  throwsAt = undefined;
  await ping();
  await pinging(await dialerTo(port).dial())();
});

test.each(["authorization", "tls", "headers"] as const)(
  "%s that throws fails this dial alone",
  async (name) => {
    const port = await listening(createGrpcAcceptor(), (connection) => void echoing(connection));
    const dialer = dialerTo(port, { [name]: thrower });
    await expect(dialer.dial()).rejects.toMatchObject({ code: "connection_failed" });
    await pinging(await dialerTo(port).dial())();
  },
);

test("a write that throws ends its stream", () => {
  const failures: unknown[] = [];
  const soon: (() => void)[] = [];
  const timers = {
    after: () => ({ cancel: () => {} }),
    soon: (step: () => void) => {
      soon.push(step);
      return { cancel: () => {} };
    },
  };
  const made = (write: () => boolean): BatchWriter =>
    new BatchWriter({ write }, timers, thrower, (thrown) => failures.push(thrown));
  made(thrower).send(Uint8Array.of(1));
  made(() => true).end(thrower);
  for (const step of soon) step();
  expect(failures).toHaveLength(2);
});
