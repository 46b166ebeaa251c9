import { createPrincipal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "../api.js";

let app: Hono;

beforeEach(async () => {
  const store = createMemoryStore();
  const principal = createPrincipal({ store, acceptors: [], listen: { port: 0 } });
  await principal.start();
  app = createApi({ principal });
  return async () => {
    await principal.stop();
  };
});

async function ask(method: string, path: string, init: RequestInit): Promise<[number, unknown, Headers]> {
  const response = await app.request(path, { ...init, method });
  return [response.status, await response.json(), response.headers];
}

/** Every operation that takes a body, with the type it is meant to have. */
const UPLOADS = [
  ["PUT", "/v1/agents/a/resources/Task/t", "application/json", "invalid_message"],
  ["POST", "/v1/drain", "application/json", "invalid_message"],
  ["PATCH", "/v1/admission", "application/json", "invalid_message"],
  ["POST", "/v1/agents/a/events", "application/cloudevents+json", "invalid_event"],
] as const;

describe.each(UPLOADS)("%s %s", (method, path, type, code) => {
  it("names the line and the column of broken JSON", async () => {
    const body = '{\n  "spec": 1,\n  "reason" "no colon"\n}';
    const [status, problem] = await ask(method, path, { body, headers: { "content-type": type } });
    expect([status, problem]).toMatchObject([
      400,
      { code, detail: expect.stringContaining("line 3, column 12") },
    ]);
  });

  it.each(["application/yaml", "multipart/form-data", "application/json; charset=latin1"])(
    "says what to send in place of %s",
    async (contentType) => {
      const [status, problem, headers] = await ask(method, path, {
        body: "{}",
        headers: { "content-type": contentType },
      });
      expect([status, problem]).toMatchObject([415, { code, detail: expect.stringContaining("send") }]);
      expect(headers.get("accept")).toBe(type);
    },
  );

  it("takes nothing from an upload that breaks off", async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"spec"'));
      },
      pull(controller) {
        controller.error(new Error("reset"));
      },
    });
    const request = { body, duplex: "half" as const, headers: { "content-type": type } };
    const [status, problem] = await ask(method, path, request);
    expect([status, problem]).toMatchObject([
      400,
      { code: "connection_closed", detail: "the request ended before its body did" },
    ]);
    expect((await app.request("/v1/agents/a")).status).toBe(404);
    expect((await app.request("/readyz")).status).toBe(200);
  });
});

it("takes JSON under the types that curl and fetch choose by themselves", async () => {
  for (const contentType of [
    "application/x-www-form-urlencoded",
    "text/plain;charset=UTF-8",
    "application/json",
  ]) {
    const [status] = await ask("PUT", "/v1/agents/a/resources/Task/t", {
      body: '{"spec":1}',
      headers: { "content-type": contentType },
    });
    expect(status).toBeLessThan(300);
  }
});
