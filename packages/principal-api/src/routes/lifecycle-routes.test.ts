import { createPrincipal, type Principal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "../api.js";

let principal: Principal;
let app: ReturnType<typeof createApi>;

beforeEach(async () => {
  const store = createMemoryStore();
  principal = createPrincipal({ store, acceptors: [], listen: { port: 0 } });
  await principal.start();
  app = createApi({ principal });
  return async () => {
    await principal.stop();
  };
});

async function ask(method: string, path: string, body?: unknown): Promise<[number, unknown]> {
  const request =
    body === undefined
      ? { method }
      : { method, body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await app.request(path, request);
  return [response.status, await response.json()];
}

describe("/v1/drain", () => {
  it("says nothing of a drain before there is one", async () => {
    expect(await ask("GET", "/v1/drain")).toEqual([
      200,
      { state: "open", gate: { kind: "open", by: "conditions" } },
    ]);
  });

  it("begins at once, is one however often it is asked for, and keeps its report", async () => {
    const [status, answer] = await ask("POST", "/v1/drain", {
      shape: "handover",
      windowMs: 0,
      reason: "deploy",
    });
    expect(status).toBe(202);
    expect(answer).toMatchObject({
      state: "draining",
      progress: { shape: "handover", reason: "deploy", remaining: 0 },
    });
    expect((await ask("POST", "/v1/drain"))[0]).toBe(202);
    expect(await ask("GET", "/v1/drain")).toMatchObject([
      200,
      {
        state: "draining",
        report: { shape: "handover", sessions: 0, cutOff: 0, unsettled: {}, unsettledTotal: 0 },
      },
    ]);
    expect((await app.request("/readyz")).status).toBe(503);
  });

  it("is taken back, and the next one has a report of its own", async () => {
    expect(await ask("DELETE", "/v1/drain")).toMatchObject([409, { code: "conflict" }]);
    await ask("POST", "/v1/drain", { shape: "handover", windowMs: 0 });
    expect(await ask("GET", "/v1/drain")).toMatchObject([200, { report: { shape: "handover", kept: 0 } }]);
    const undone = await ask("DELETE", "/v1/drain");
    expect(undone).toMatchObject([200, { state: "open", report: { shape: "handover" } }]);
    expect(undone[1]).not.toHaveProperty("progress");
    expect((await app.request("/readyz")).status).toBe(200);
    const [status, begun] = await ask("POST", "/v1/drain", { shape: "restart" });
    expect([status, begun]).toMatchObject([202, { state: "draining", progress: { shape: "restart" } }]);
    expect(begun).not.toHaveProperty("report");
    expect(await ask("GET", "/v1/drain")).toMatchObject([200, { report: { shape: "restart" } }]);
  });

  it.each([
    [{ shape: "sideways" }, "field shape"],
    [{ windowMs: -1 }, "field windowMs"],
    [{ windowMs: 1e12 }, "field windowMs"],
    [{ window: 1 }, "window"],
    ["{", "line 1"],
  ])("refuses %j, and goes on serving", async (body, named) => {
    const [status, problem] = await ask("POST", "/v1/drain", body);
    expect(status).toBe(400);
    expect(problem).toMatchObject({ code: "invalid_message", detail: expect.stringContaining(named) });
    expect(principal.state).toBe("open");
  });
});

describe("/v1/admission", () => {
  it("shows who waits, and takes other settings while it runs", async () => {
    expect(await ask("GET", "/v1/admission")).toMatchObject([
      200,
      { waiting: 0, handshakes: 0, admitted: 0 },
    ]);
    expect((await ask("PATCH", "/v1/admission", { ratePerSecond: 7, maxWaiting: 3 }))[0]).toBe(200);
    expect(await ask("PATCH", "/v1/admission", { ratePerSecond: 0 })).toMatchObject([
      400,
      { code: "invalid_message", detail: expect.stringContaining("admission.ratePerSecond") },
    ]);
    expect(await ask("PATCH", "/v1/admission", { rate: 7 })).toMatchObject([
      400,
      { code: "invalid_message" },
    ]);
  });
});
