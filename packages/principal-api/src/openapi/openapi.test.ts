import { BY_SESSION } from "../testing/held-by.js";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPrincipalMetrics } from "@hawser/metrics";
import { createPrincipal, type Principal } from "@hawser/principal";
import { createMemoryStore, type Store } from "@hawser/store";
import { heldBy } from "../testing/held-by.js";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Hono } from "hono";
import { beforeEach, expect, it } from "vitest";
import { createEventLog } from "../event-log/stored-event-log.js";
import { createSinks } from "../sinks/stored-sinks.js";
import { createApi } from "../api.js";
import { EVENT_EXAMPLE } from "./event-schemas.js";
import type { OpenApiAnswer, OpenApiDocument } from "./openapi-document.js";

let app: Hono;
let store: Store;
let principal: Principal;
let document: OpenApiDocument;

beforeEach(async () => {
  store = createMemoryStore();
  principal = createPrincipal({ store, acceptors: [], listen: { port: 0 } });
  await principal.start();
  const directory = await mkdtemp(join(tmpdir(), "hawser-openapi-"));
  const logStore = createMemoryStore();
  await logStore.start();
  const eventLog = createEventLog({ store: logStore });
  await eventLog.start();
  const sinks = createSinks({ log: eventLog, store: logStore, directory });
  await sinks.start();
  await eventLog.onEvent({
    agent: "a",
    event: { ...EVENT_EXAMPLE, eventid: "1" },
    attempt: 1,
    ...BY_SESSION,
  });
  app = createApi({ principal, metrics: createPrincipalMetrics({ process: false }), eventLog, sinks });
  document = (await (await app.request("/openapi.json")).json()) as OpenApiDocument;
  return async () => {
    await sinks.stop();
    await eventLog.stop();
    await logStore.stop();
    await rm(directory, { recursive: true });
    await principal.stop();
  };
});

function operations(): { method: string; path: string; id: string }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({ method, path, id: operationId })),
  );
}

it("is valid OpenAPI 3.1, with a token and without", async () => {
  const secured = createApi({ principal, token: "secret-of-this-test" });
  const other = (await (await secured.request("/openapi.json")).json()) as OpenApiDocument;
  for (const each of [document, other]) {
    expect(await new Validator().validate(structuredClone(each) as never)).toMatchObject({ valid: true });
  }
  expect(other.security).toEqual([{ bearer: [] }]);
  expect(other.paths["/livez"]?.["get"]?.security).toEqual([]);
  expect(other.paths["/v1/agents"]?.["get"]?.responses).toHaveProperty("401");
});

it("says of a program's own judge that there is one, and not what it wants", async () => {
  const own = createApi({ principal, authorize: () => ({ ok: true, actor: "ada" }) });
  const other = (await (await own.request("/openapi.json")).json()) as OpenApiDocument;
  expect(await new Validator().validate(structuredClone(other) as never)).toMatchObject({ valid: true });
  expect(other.security).toEqual([]);
  expect(other.components).not.toHaveProperty("securitySchemes");
  expect(other.info["description"]).toContain("decides who may ask");
  const { responses } = other.paths["/v1/agents"]?.["get"] ?? {};
  for (const status of ["401", "403", "504"]) expect(responses).toHaveProperty(status);
  expect(other.paths["/livez"]?.["get"]?.responses).not.toHaveProperty("401");
});

it("describes each route, and no other, under names of their own", () => {
  const served = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const described = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(described.sort()).toEqual(served.sort());
  expect(new Set(operations().map(({ id }) => id)).size).toBe(described.length);
});

it("refuses unknown query parameters on every route", async () => {
  for (const { method, path } of operations()) {
    const url = `${path.replaceAll(/\{\w+\}/g, "1")}?colour=red`;
    const response = await app.request(url, { method: method.toUpperCase() });
    expect([url, response.status, await response.json()]).toMatchObject([
      url,
      400,
      { code: "invalid_message", detail: expect.stringContaining('"colour"') },
    ]);
  }
  expect(principal.state).toBe("open");
});

/** Answers may grow, so the document leaves them open; here, what it does not mention is an error. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const members = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  const whole = "type" in schema && "properties" in schema && !("additionalProperties" in schema);
  return whole ? { ...members, additionalProperties: false } : members;
}

async function refuseForGood(eventid: string): Promise<void> {
  const lease = await heldBy(store, "a");
  await lease.deadLetter(Number(eventid), { code: "handler_rejected", message: "no", at: 1_767_225_600_000 });
  await lease.close();
}

const OUTPUT = "/v1/streams/agents/{agent}/resources/{kind}/{name}/output";

it("describes the answers that are given", async () => {
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  ajv.addSchema(closed(document) as object, "api");
  const seen = new Set<string>();

  async function ask(method: string, template: string, init: RequestInit = {}, query = ""): Promise<number> {
    const path = template
      .replace("{agent}", "a")
      .replace("{kind}/{name}", "Task/t")
      .replace("{eventid}", "2")
      .replace("{sink}", "s")
      .replace("{id}", "1");
    const response = await app.request(path + query, { ...init, method: method.toUpperCase() });
    const { status } = response;
    const where = `${method} ${template} ${status}`;
    seen.add(where);
    const answer: OpenApiAnswer | undefined = document.paths[template]?.[method]?.responses[status];
    expect(answer, where).toBeDefined();
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    expect(Object.keys(answer?.content ?? { "": 0 }), where).toContain(type);
    if (!type.endsWith("json")) {
      await response.body?.cancel();
      return status;
    }
    const pointer = ["paths", template, method, "responses", String(status), "content", type, "schema"];
    const fragment = pointer.map((part) =>
      encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")),
    );
    const validate = ajv.compile({ $ref: `api#/${fragment.join("/")}` });
    const body: unknown = await response.json();
    expect(validate(body), `${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`).toBe(
      true,
    );
    return status;
  }

  const RESOURCE = "/v1/agents/{agent}/resources/{kind}/{name}";
  const LETTER = "/v1/agents/{agent}/dead-letters/{eventid}";
  const event = {
    body: JSON.stringify(EVENT_EXAMPLE),
    headers: { "content-type": "application/cloudevents+json" },
  };
  await ask("get", RESOURCE);
  await ask("get", "/v1/agents/{agent}");
  await ask("put", RESOURCE, { body: "{" });
  await ask("put", RESOURCE, { body: "a: 1", headers: { "content-type": "application/yaml" } });
  await ask("put", RESOURCE, { body: '{"spec":1}' });
  await ask("put", RESOURCE, { body: '{"spec":1}' }, "?dryRun=true");
  await ask("put", RESOURCE, { body: '{"spec":1}', headers: { "if-match": '"7"' } });
  await ask("get", RESOURCE);
  await ask("post", "/v1/agents/{agent}/events", event);
  await ask("post", "/v1/agents/{agent}/events", {
    body: JSON.stringify([{ ...EVENT_EXAMPLE, id: "other" }, 7]),
    headers: { "content-type": "application/cloudevents-batch+json" },
  });
  await ask("post", "/v1/agents/{agent}/events", { body: "x" });
  await ask("get", "/v1/agents", {}, "?limit=1");
  await ask("get", "/v1/agents", {}, "?limit=501");
  await ask("get", "/v1/agents/{agent}");
  await ask("get", "/v1/agents/{agent}/resources", {}, "?kind=Task");
  const [sent] = (await principal.agents({ limit: 1 })).map(({ lastVersion }) => String(lastVersion));
  expect(sent).toBe("3");
  await refuseForGood("2");
  await ask("get", "/v1/agents/{agent}/dead-letters");
  await ask("post", `${LETTER}/requeue`);
  await ask("delete", LETTER);
  await ask("delete", RESOURCE, {}, "?dryRun=true");
  await ask("delete", RESOURCE);
  for (const path of [
    "/",
    "/livez",
    "/readyz",
    "/v1/info",
    "/v1/status",
    "/metrics",
    "/openapi.json",
    "/docs",
  ]) {
    if (path in document.paths) await ask("get", path);
  }
  await ask("get", "/v1/streams/events", {}, "?agent=a");
  await ask("get", "/v1/streams/events", {}, "?agent=A");
  await ask("get", "/v1/streams/agents", {}, "?state=connected&name=a");
  await ask("get", "/v1/streams/agent-events", {}, "?agent=a");
  await ask("get", "/v1/agent-events", {}, "?type=com.*");
  const SINK = "/v1/sinks/{sink}";
  await ask("get", SINK);
  await ask("put", SINK, { body: '{"target":{"kind":"file"}}' }, "?from=oldest");
  await ask("put", SINK, { body: '{"target":{"kind":"file"}}' });
  await ask("put", SINK, { body: '{"target":{"kind":"file"}}', headers: { "if-none-match": "*" } });
  await ask("put", SINK, { body: '{"target":{"kind":"file","maxFiles":0}}' });
  await ask("post", `${SINK}/test`);
  await ask("post", `${SINK}/pause`);
  await ask("post", `${SINK}/resume`);
  await ask("get", SINK);
  await ask("get", "/v1/sinks");
  await ask("get", `${SINK}/dead-letters`);
  await ask("post", `${SINK}/dead-letters/{id}/requeue`);
  await ask("delete", `${SINK}/dead-letters/{id}`);
  await ask("delete", SINK, {}, "?force=true");
  await ask("get", OUTPUT, {}, "?follow=false&tail=1");
  await ask("get", "/v1/admission");
  await ask("patch", "/v1/admission", { body: '{"ratePerSecond":7}' });
  await ask("get", "/v1/drain");
  await ask("post", "/v1/drain", { body: '{"windowMs":0}' });
  await ask("get", "/v1/drain");
  await ask("delete", "/v1/drain");
  await ask("get", "/readyz");
  await ask("get", "/v1/streams/events");
  expect(await ask("delete", "/v1/agents/{agent}/pending", {}, "?kind=Other&name=x")).toBe(200);
  expect(await ask("delete", "/v1/agents/{agent}/pending", {}, "?kind=other&name=x")).toBe(400);
  expect(await ask("delete", "/v1/agents/{agent}")).toBe(409);
  expect(await ask("delete", "/v1/agents/{agent}", {}, "?force=true")).toBe(204);
  expect(await ask("delete", "/v1/agents/{agent}")).toBe(404);
  expect(await ask("post", "/v1/agents/{agent}/events", event)).toBe(410);
  expect(await ask("put", RESOURCE, { body: '{"spec":1}' })).toBe(410);
  expect(await ask("get", "/v1/removed-agents")).toBe(200);
  expect(await ask("delete", "/v1/removed-agents/{agent}")).toBe(204);
  expect(await ask("delete", "/v1/removed-agents/{agent}")).toBe(404);
  const asked = new Set([...seen].map((where) => where.split(" ").slice(0, 2).join(" ")));
  expect([...asked].sort()).toEqual(
    operations()
      .map(({ method, path }) => `${method} ${path}`)
      .sort(),
  );
});
