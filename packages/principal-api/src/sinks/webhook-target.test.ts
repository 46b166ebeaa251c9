import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemRuntime } from "@hawser/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import { parseSinkDefinition } from "./sink-definition.js";
import type { SinkTarget } from "./sink-target.js";
import { testEvent } from "./sink-event.js";
import { createWebhookTarget } from "./webhook-target.js";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const NEVER = new AbortController().signal;

interface Request {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: Server;
let url: string;
let requests: Request[];
let respond: (response: ServerResponse) => void;
let connections = 0;
const targets: SinkTarget[] = [];

beforeEach(async () => {
  requests = [];
  connections = 0;
  respond = (response) => response.writeHead(204).end();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      respond(response);
    });
  });
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1`;
});
afterEach(async () => {
  for (const target of targets.splice(0)) await target.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function target(more: Record<string, unknown> = {}, allowLocal = true): SinkTarget {
  const { target: settings } = parseSinkDefinition({ target: { kind: "webhook", url, ...more } });
  if (settings.kind !== "webhook") throw new Error("not a webhook");
  const made = createWebhookTarget({ name: "hook", settings, allowLocal, runtime: systemRuntime() });
  targets.push(made);
  return made;
}

function event(position: number, data: unknown = { position }): RecordedEvent {
  const made = testEvent(systemRuntime());
  return {
    ...made,
    position,
    agent: "edge-1",
    event: { ...made.event, data: data as RecordedEvent["event"]["data"] & {} },
  };
}

describe("a webhook", () => {
  it("gets one event in JSON, signed, with what it was promised", async () => {
    const made = target({ secret: SECRET, headers: { authorization: "Bearer x" } });
    expect(await made.deliver([event(5)], NEVER)).toEqual({ kind: "delivered" });
    const [request] = requests;
    expect(JSON.parse(request?.body ?? "")).toMatchObject({
      type: "hawser.sink.test.v1",
      hawseragent: "edge-1",
      hawserposition: "5",
      data: { position: 5 },
    });
    const { headers } = request ?? {};
    expect(headers).toMatchObject({
      "content-type": "application/cloudevents+json; charset=utf-8",
      authorization: "Bearer x",
      "webhook-id": "hook-5",
    });
    const signed = [headers?.["webhook-id"], headers?.["webhook-timestamp"], request?.body].join(".");
    const mac = createHmac("sha256", Buffer.alloc(32, 7)).update(signed).digest("base64");
    expect(headers?.["webhook-signature"]).toBe(`v1,${mac}`);
  });

  it("gets attributes as headers in binary mode, and many in one body in batch mode", async () => {
    await target({ mode: "binary" }).deliver([event(5, "hé")], NEVER);
    expect(requests[0]).toMatchObject({
      body: '"hé"',
      headers: {
        "ce-type": "hawser.sink.test.v1",
        "ce-hawserposition": "5",
        "content-type": "application/json",
      },
    });
    const batch = target({ mode: "batch", secret: SECRET });
    await batch.deliver([event(6), event(9)], NEVER);
    expect(JSON.parse(requests[1]?.body ?? "")).toMatchObject([
      { hawserposition: "6" },
      { hawserposition: "9" },
    ]);
    expect(requests[1]?.headers).toMatchObject({
      "content-type": "application/cloudevents-batch+json; charset=utf-8",
      "webhook-id": "hook-6-9",
    });
  });

  it("is called over connections that are kept", async () => {
    const made = target();
    for (const position of [1, 2, 3]) await made.deliver([event(position)], NEVER);
    expect(connections).toBe(1);
  });

  it.each([
    [500, {}, { isOfEvent: false }],
    [404, {}, { isOfEvent: false }],
    [401, {}, { isOfEvent: false }],
    [
      301,
      { location: "http://example.org/" },
      { isOfEvent: false, message: expect.stringContaining("redirects") },
    ],
    [400, {}, { isOfEvent: true }],
    [413, {}, { isOfEvent: true }],
    [422, {}, { isOfEvent: true }],
    [410, {}, { isGone: true }],
    [429, { "retry-after": "7" }, { isOfEvent: false, retryAfterMs: 7_000 }],
    [503, { "retry-after": "3600" }, { retryAfterMs: 3_600_000 }],
    [503, { "retry-after": "soon" }, { isOfEvent: false }],
  ])("that answers %d is failed accordingly", async (status, headers, expected) => {
    respond = (response) => response.writeHead(status, headers).end("no");
    expect(await target().deliver([event(1)], NEVER)).toMatchObject({ kind: "failed", ...expected });
    expect(requests).toHaveLength(1);
  });

  it("that closes before its answer, in its head or in its body has not taken the event", async () => {
    respond = (response) => response.destroy();
    expect(await target().deliver([event(1)], NEVER)).toMatchObject({ kind: "failed", isOfEvent: false });
    respond = (response) => {
      response.socket?.write("HTTP/1.1 200 O");
      response.socket?.destroy();
    };
    expect(await target().deliver([event(1)], NEVER)).toMatchObject({ kind: "failed" });
    respond = (response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    };
    expect(await target().deliver([event(1)], NEVER)).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("broke off"),
    });
  });

  it("that answers 101 has not taken the event, and holds up nobody", async () => {
    respond = (response) =>
      void response.socket?.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
      );
    expect(await target().deliver([event(1)], NEVER)).toMatchObject({ kind: "failed", isOfEvent: false });
  });

  it("may come to its answer in the moment in which the sink stops, and nothing else ends", async () => {
    for (let count = 0; count < 30; count += 1) {
      const stopping = new AbortController();
      respond = (response) => {
        response.writeHead(200).end("taken");
        if (count % 2 === 0) stopping.abort();
      };
      const made = target({ timeoutMs: 600_000 });
      const answer = made.deliver([event(count + 1)], stopping.signal);
      if (count % 2 === 1) void answer.then(() => stopping.abort());
      expect(["delivered", "failed"]).toContain((await answer).kind);
      stopping.abort();
    }
    expect(await target().deliver([event(99)], NEVER)).toEqual({ kind: "delivered" });
  });

  it("is sent nothing once the sink has stopped", async () => {
    expect(await target().deliver([event(1)], AbortSignal.abort())).toMatchObject({ kind: "failed" });
    expect(requests).toEqual([]);
  });

  it("cannot be sent what no header holds, and that is the event's fault", async () => {
    const made = event(1);
    const odd = { ...made, event: { ...made.event, datacontenttype: "text/plain; name=\u20ac" } };
    expect(await target({ mode: "binary" }).deliver([odd], NEVER)).toMatchObject({
      kind: "failed",
      isOfEvent: true,
    });
  });

  it("that hangs is left after its time", async () => {
    respond = () => {};
    expect(await target({ timeoutMs: 100 }).deliver([event(1)], NEVER)).toMatchObject({
      kind: "failed",
      message: expect.stringContaining("did not answer in time"),
    });
    respond = (response) => void response.writeHead(200, { "content-length": "10" }).write("h");
    expect(await target({ timeoutMs: 100 }).deliver([event(1)], NEVER)).toMatchObject({ kind: "failed" });
  });

  it("may send an answer of any length, of which no more than a piece is read", async () => {
    let written = 0;
    respond = (response) => {
      response.writeHead(200);
      const more = (): void => {
        if (response.destroyed) return;
        written += 65_536;
        response.write(Buffer.alloc(65_536), () => systemRuntime().timers.soon(more));
      };
      more();
    };
    expect(await target().deliver([event(1)], NEVER)).toEqual({ kind: "delivered" });
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  it("is left at once when the sink stops", async () => {
    const stopping = new AbortController();
    respond = () => stopping.abort();
    expect(await target({ timeoutMs: 600_000 }).deliver([event(1)], stopping.signal)).toMatchObject({
      kind: "failed",
    });
  });

  it.each(["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"])(
    "at %s is not called unless local addresses are allowed",
    async (host) => {
      const { port } = server.address() as AddressInfo;
      const made = target({ url: `http://${host}:${port}/` }, false);
      expect(await made.deliver([event(1)], NEVER)).toMatchObject({
        kind: "failed",
        message: expect.stringContaining("--sinks-allow-local"),
      });
      expect(connections).toBe(0);
    },
  );
});

describe("a definition", () => {
  it.each([
    [{ kind: "webhook", url: "ftp://example.org" }, /http/],
    [{ kind: "webhook", url: "example.org" }, /address/],
    [{ kind: "webhook", url: "https://user:pw@example.org/" }, /authorization/],
    [{ kind: "webhook", url: "https://example.org/#a" }, /fragment/],
    [{ kind: "webhook", url: "https://example.org/", secret: "short" }, /whsec_/],
    [{ kind: "webhook", url: "https://example.org/", secret: "whsec_YQ==" }, /24 to 64/],
    [{ kind: "webhook", url: "https://example.org/", headers: { "ce-id": "1" } }, /has already/],
    [{ kind: "webhook", url: "https://example.org/", headers: { a: "b\r\nc: d" } }, /ASCII/],
    [{ kind: "webhook", url: "https://example.org/", mode: "other" }, /mode/],
    [{ kind: "webhook", url: "https://example.org/", surplus: 1 }, /surplus/],
    [{ kind: "file", maxFiles: 0 }, /maxFiles/],
    [{ kind: "pipe" }, /kind/],
  ])("that makes no sense is refused: %j", (settings, message) => {
    expect(() => parseSinkDefinition({ target: settings })).toThrow(message);
  });
});
