import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { systemTimers } from "@hawser/runtime";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it, onTestFinished } from "vitest";
import { HttpServing, type Answer } from "./http-serving.js";

const pem = (name: string): Buffer =>
  readFileSync(new URL(`../../../listener/src/testing/certificates/${name}.pem`, import.meta.url));
const GRACE_MS = 5_000;
const REQUEST = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
/** What a client says first over TLS, cut off in the middle of its ClientHello. */
const HALF_A_HANDSHAKE = Buffer.from("16030100c8010000c40303", "hex");
const tls = { cert: pem("server").toString(), key: pem("server.key").toString() };

const virtual = createVirtualRuntime({ seed: 1 });

async function serve(answer: Answer, secured: boolean): Promise<{ serving: HttpServing; port: number }> {
  // Node's own timeouts are far away, so that whatever ends here is ended by `close`.
  const settings = {
    headersTimeoutMs: 600_000,
    requestTimeoutMs: 600_000,
    maxConnections: 100,
    stopGraceMs: GRACE_MS,
    tls: secured ? tls : undefined,
    // Within one turn of the event loop, whose next one is virtual.
    mayAsk: () => true,
  };
  const serving = new HttpServing(answer, settings, virtual.runtime);
  const port = await serving.bind(async (server) => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  });
  return { serving, port };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
}

async function dialTls(port: number): Promise<Socket> {
  const socket = connectTls({ port, host: "127.0.0.1", servername: "localhost", ca: pem("ca") });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "secureConnect");
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** A request that is being answered, for as long as the test wants. */
async function held(port: number, secured: boolean, arrived: Promise<unknown>): Promise<Socket> {
  const socket = await (secured ? dialTls(port) : dial(port));
  socket.write(REQUEST);
  await arrived;
  return socket;
}

it.each([
  ["plain", false],
  ["over TLS", true],
])("the stop of a port waits for nobody who asked nothing, %s", async (_name, secured) => {
  const { serving, port } = await serve(() => {}, secured);
  const silent = await dial(port);
  const halfway = await dial(port);
  halfway.write(secured ? HALF_A_HANDSHAKE : REQUEST.slice(0, 20));
  const quiet = secured ? [await dialTls(port), await dialTls(port)] : [];
  quiet[1]?.write(REQUEST.slice(0, 20));
  // The server has to have all of them before it stops.
  const last = await (secured ? dialTls(port) : dial(port));
  const all = [silent, halfway, ...quiet, last].map(closed);
  await new Promise<void>((resolve) => void systemTimers.soon(resolve));
  await serving.close();
  await Promise.all(all);
});

it.each([
  ["plain", false],
  ["over TLS", true],
])("the stop of a port cuts an answer that is not out when the grace is over, %s", async (_name, secured) => {
  let arrive = (): void => {};
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const { serving, port } = await serve(() => arrive(), secured);
  const socket = await held(port, secured, arrived);
  const gone = closed(socket);
  let stopped = false;
  const stopping = serving.close().then(() => (stopped = true));
  await virtual.advance(GRACE_MS - 1);
  expect([stopped, socket.closed]).toEqual([false, false]);
  await virtual.advance(1);
  await Promise.all([stopping, gone]);
});

const FAULTS: readonly (readonly [string, Answer])[] = [
  [
    "throws",
    () => {
      throw new Error("a fault of a handler");
    },
  ],
  ["rejects", () => Promise.reject(new Error("a fault of a handler"))],
  [
    "throws behind its first bytes",
    (_, response) => {
      response.writeHead(200);
      response.write("half");
      throw new Error("a fault of a handler");
    },
  ],
];

it.each(FAULTS)("an answer that %s ends the connection of its request alone", async (_name, fault) => {
  const answer: Answer = (request, response, by) =>
    request.url === "/bad" ? fault(request, response, by) : response.end("well");
  const { serving, port } = await serve(answer, false);
  const kept = await dial(port);
  const ask = async (): Promise<string> => {
    kept.write(REQUEST);
    const [answered] = (await once(kept, "data")) as [Buffer];
    return answered.toString();
  };
  expect(await ask()).toContain("well");
  for (let times = 0; times < 3; times += 1) {
    const bad = await dial(port);
    const gone = closed(bad);
    bad.write(REQUEST.replace("GET /", "GET /bad"));
    await gone;
  }
  expect(await ask()).toContain("well");
  kept.destroy();
  await serving.close();
});
