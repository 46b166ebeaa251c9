import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecuredServer } from "node:https";
import { readFileSync } from "node:fs";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { request } from "./request.js";

const pem = (name: string): string =>
  readFileSync(
    new URL(`../../../../packages/listener/src/testing/certificates/${name}.pem`, import.meta.url),
    "utf8",
  );

async function serve(
  answer: RequestListener,
  tls?: { readonly cert: string; readonly key: string },
): Promise<URL> {
  const server = tls === undefined ? createServer(answer) : createSecuredServer(tls, answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new URL(tls === undefined ? `http://127.0.0.1:${port}/` : `https://localhost:${port}/`);
}

const { signal } = new AbortController();

it("sends what it was given, and gives the answer", async () => {
  const target = await serve((asked, response) => {
    response.setHeader("x-asked", `${asked.method} ${String(asked.headers["x-own"])}`);
    asked.pipe(response.writeHead(201));
  });
  const answer = await request(target, { method: "PUT", headers: { "x-own": "1" }, body: "Ahoy", signal });
  expect([answer.status, answer.ok, answer.header("x-asked"), await answer.text()]).toEqual([
    201,
    true,
    "PUT 1",
    "Ahoy",
  ]);
});

it("rejects when it is given up between two pieces of the answer, and ends nothing else", async () => {
  let closed: Promise<unknown> = Promise.resolve();
  const target = await serve((_asked, response) => {
    closed = once(response, "close");
    response.writeHead(200).write("one");
  });
  const givenUp = new AbortController();
  const answer = await request(target, { method: "GET", headers: {}, signal: givenUp.signal });
  const read = async (): Promise<void> => {
    for await (const _piece of answer.chunks()) {
      givenUp.abort(new Error("enough"));
      // The answer is destroyed while nobody reads it.
      await closed;
    }
  };
  await expect(read()).rejects.toThrow("enough");
});

it("may be given up as the answer comes to its end", async () => {
  const target = await serve((_asked, response) => void response.writeHead(200).end("one"));
  for (let count = 0; count < 20; count += 1) {
    const givenUp = new AbortController();
    const answer = await request(target, { method: "GET", headers: {}, signal: givenUp.signal });
    for await (const _piece of answer.chunks()) givenUp.abort();
  }
});

it("is not sent when it was given up before", async () => {
  const target = await serve(() => {
    throw new Error("it was sent");
  });
  const given = AbortSignal.abort(new Error("never mind"));
  await expect(request(target, { method: "GET", headers: {}, signal: given })).rejects.toThrow("never mind");
});

it("follows no redirect, and takes an answer without a body", async () => {
  const target = await serve((_asked, response) => response.writeHead(302, { location: "/elsewhere" }).end());
  expect((await request(target, { method: "GET", headers: {}, signal })).status).toBe(302);
  const empty = await serve((_asked, response) => response.writeHead(204).end());
  expect(await (await request(empty, { method: "DELETE", headers: {}, signal })).text()).toBe("");
});

it("rejects with why it was given up, and with the connection's own reason", async () => {
  const target = await serve(() => {});
  await expect(
    request(target, { method: "GET", headers: {}, signal: AbortSignal.timeout(20) }),
  ).rejects.toMatchObject({ name: "TimeoutError" });
  const nobody = new URL("http://127.0.0.1:9/");
  await expect(request(nobody, { method: "GET", headers: {}, signal })).rejects.toMatchObject({
    cause: { code: "ECONNREFUSED" },
  });
});

it("trusts the authority it was given, and no other", async () => {
  const tls = { cert: pem("server"), key: pem("server.key") };
  const target = await serve((_asked, response) => response.end("secured"), tls);
  const answer = await request(target, { method: "GET", headers: {}, ca: pem("ca"), signal });
  expect(await answer.text()).toBe("secured");
  await expect(request(target, { method: "GET", headers: {}, signal })).rejects.toMatchObject({
    cause: { code: expect.stringMatching(/VERIFY|CERT|ISSUER/) },
  });
});

it.each([
  "HTTP/1.1 999 X",
  "HTTP/1.1 600 X",
  "HTTP/1.1 000 X",
  "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x",
])("rejects an answer that begins with %j", async (head) => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(`${head}\r\ncontent-length: 0\r\n\r\n`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const asked = request(new URL(`http://127.0.0.1:${port}/`), { method: "GET", headers: {}, signal });
  await expect(asked).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/status \d+, as no Hawser principal does|Invalid status code/) },
  });
});
