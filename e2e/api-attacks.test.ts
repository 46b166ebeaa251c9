import { once } from "node:events";
import { request } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { Bystander } from "./support/bystander.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// Who asks the API's port for more than is theirs, with a healthy agent beside. What loads it is in attacks-api.long.test.ts.

interface Attacked {
  readonly fleet: TestFleet;
  readonly bystander: Bystander;
  readonly apiPort: number;
}

async function attacked(): Promise<Attacked> {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const bystander = new Bystander(fleet);
  await bystander.start();
  return { fleet, bystander, apiPort: Number(new URL(fleet.api.server).port) };
}

it("101 streams by one client leave half for the others", async () => {
  const { fleet, bystander, apiPort } = await attacked();
  const authorization = Object.values(fleet.api.authorization)[0] ?? "";
  const open = async (localAddress: string): Promise<number> => {
    const asked = request({
      port: apiPort,
      host: "127.0.0.1",
      localAddress,
      agent: false,
      path: "/v1/streams/events",
      headers: { authorization },
    });
    onTestFinished(() => void asked.destroy());
    asked.on("error", () => {});
    asked.end();
    const [response] = (await once(asked, "response")) as [{ statusCode: number }];
    return response.statusCode;
  };
  const statuses: number[] = [];
  for (let count = 0; count < 101; count += 1) statuses.push(await open("127.0.0.1"));
  expect(statuses.filter((status) => status === 200)).toHaveLength(50);
  expect(await open("127.0.0.2")).toBe(200);
  await bystander.isUnharmed();
});

it("a page in the operator's browser reaches nothing, nor does a passer-by", async () => {
  const { fleet, bystander, apiPort } = await attacked();
  const { authorization } = { authorization: "", ...fleet.api.authorization };
  const send = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<number> => {
    const asked = request({ port: apiPort, host: "127.0.0.1", method, path, headers, agent: false });
    asked.end(method === "PUT" ? '{"spec":{"command":"id"}}' : "");
    const [response] = (await once(asked, "response")) as [{ statusCode: number; resume: () => void }];
    response.resume();
    return response.statusCode;
  };
  const task = "/v1/agents/bystander/resources/Task/x";
  const rebound = { host: `evil.example:${apiPort}`, authorization };
  expect(await send("GET", "/v1/agents", rebound)).toBe(421);
  expect(await send("PUT", task, rebound)).toBe(421);
  const form = { host: `127.0.0.1:${apiPort}`, origin: "https://evil.example", authorization };
  expect(await send("POST", "/v1/drain", form)).toBe(403);
  for (const [method, path] of [
    ["GET", "/v1/agents"],
    ["PUT", task],
    ["POST", "/v1/drain"],
    ["GET", "/metrics"],
  ] as const)
    expect(await send(method, path, { host: `127.0.0.1:${apiPort}` })).toBe(401);
  const log = await fleet.principal.logText();
  expect(log).toContain("a request to the API was refused");
  expect(log).not.toContain(authorization.slice("Bearer ".length));
  await fleet.principal.logged(
    "who changed what",
    (line) => line["method"] === "PUT" && line["status"] === 201,
  );
  await bystander.isUnharmed();
});
