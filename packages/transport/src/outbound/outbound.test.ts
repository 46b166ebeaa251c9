import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemTimers } from "@hawser/runtime";
import { describe, expect, onTestFinished, test } from "vitest";
import { Outbound, type OutboundOptions } from "./outbound.js";

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A server that says what it is. */
const greeting = (): Promise<number> =>
  listen(
    createServer((socket) => {
      socket.on("error", () => {});
      socket.end("hello");
    }),
  );

/** A proxy that opens every tunnel to one port, whatever it is asked for. */
async function proxyTo(port: number, wanted?: string) {
  const asked: IncomingMessage[] = [];
  const server = createHttpServer();
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    asked.push(request);
    socket.on("error", () => {});
    if (wanted !== undefined && request.headers["proxy-authorization"] !== wanted) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
      return;
    }
    const through = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    through.on("error", () => socket.destroy());
  });
  return { port: await listen(server), asked };
}

const outbound = (options: Partial<OutboundOptions>): Outbound =>
  new Outbound({
    to: { host: "principal.example", port: 443 },
    alpn: "http/1.1",
    timers: systemTimers,
    ...options,
  });

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe("through a proxy", () => {
  test("the name is left to the proxy, and the bytes go both ways", async () => {
    const proxy = await proxyTo(await greeting());
    const socket = await outbound({ proxy: { url: `http://127.0.0.1:${proxy.port}` } }).open(undefined);
    expect(await textOf(socket)).toBe("hello");
    expect(proxy.asked.map(({ url }) => url)).toEqual(["principal.example:443"]);
  });

  test("with user and password", async () => {
    const wanted = `Basic ${Buffer.from("me:secret").toString("base64")}`;
    const { port } = await proxyTo(await greeting(), wanted);
    const proxy = { url: `http://me:secret@127.0.0.1:${port}` };
    expect(await textOf(await outbound({ proxy }).open(undefined))).toBe("hello");
  });

  test.each([
    ["http://127.0.0.1", /refused a tunnel to principal\.example:443 with 407: it wants a user/],
    ["http://me:wrong@127.0.0.1", /with 407: it does not accept the user and password/],
  ])("%s: 407 is named, and no secret is", async (url, message) => {
    const { port } = await proxyTo(await greeting(), "Basic bWU6c2VjcmV0");
    const opening = outbound({ proxy: { url: `${url}:${port}` } }).open(undefined);
    await expect(opening).rejects.toMatchObject({ code: "connection_failed", message });
    await expect(opening).rejects.not.toMatchObject({ message: expect.stringContaining("wrong") });
  });

  test("one that answers no HTTP at all is named", async () => {
    const port = await listen(createServer((socket) => socket.end("220 mail ready\r\n")));
    const opening = outbound({ proxy: { url: `http://127.0.0.1:${port}` } }).open(undefined);
    await expect(opening).rejects.toMatchObject({
      code: "connection_failed",
      message: expect.stringContaining(`the proxy http://127.0.0.1:${port} did not open a tunnel`),
    });
  });

  test("one that never answers is left when the dial is given up", async () => {
    let accepted: Socket | undefined;
    const port = await listen(createServer((socket) => (accepted = socket)));
    const giveUp = new AbortController();
    const opening = outbound({ proxy: { url: `http://127.0.0.1:${port}` } }).open(undefined, giveUp.signal);
    opening.catch(() => {});
    await expect.poll(() => accepted).toBeDefined();
    giveUp.abort();
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
    if (accepted !== undefined) {
      accepted.resume();
      accepted.on("error", () => {});
      await once(accepted, "close");
    }
  });
});

test.each([
  ["a certificate that is none", undefined, { cert: "no certificate", key: "no key" }],
  ["a name that cannot be asked for", "no such\nhost", undefined],
])("no socket is left where Node throws over %s", async (_name, host, tls) => {
  const sockets = new Set<Socket>();
  let count = 0;
  const port = await listen(
    createServer((socket) => {
      count += 1;
      sockets.add(socket);
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
      socket.resume();
    }),
  );
  const to = { host: host ?? "127.0.0.1", port };
  const proxy = host === undefined ? undefined : { url: `http://127.0.0.1:${port}` };
  await expect(outbound({ to, proxy }).open(tls)).rejects.toThrow();
  await expect.poll(() => [count, sockets.size]).toEqual([1, 0]);
});

describe("several addresses", () => {
  test("the one that was good comes first the next time", async () => {
    const port = await greeting();
    const order: string[][] = [["127.0.0.9", "127.0.0.1"]];
    const to = { host: "principal.example", port };
    const subject = outbound({ to, resolve: () => Promise.resolve(order[0] ?? []) });
    // Nobody listens at the first address, which answers at once on loopback.
    expect((await subject.open(undefined)).remoteAddress).toBe("127.0.0.1");
    order[0] = ["127.0.0.9", "127.0.0.1", "127.0.0.8"];
    expect((await subject.open(undefined)).remoteAddress).toBe("127.0.0.1");
  });

  test("a resolver that hangs is left when the dial is given up", async () => {
    const giveUp = new AbortController();
    const opening = outbound({ resolve: () => new Promise(() => {}) }).open(undefined, giveUp.signal);
    giveUp.abort();
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
  });

  test("a name that there is not is connection_failed and says so", async () => {
    const subject = outbound({ to: { host: "no-such-host.invalid", port: 1 } });
    await expect(subject.open(undefined)).rejects.toMatchObject({
      code: "connection_failed",
      message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    });
  });
});
