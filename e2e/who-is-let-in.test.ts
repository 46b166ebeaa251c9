import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { describe, expect, it, onTestFinished } from "vitest";
import { TLS_ARGS } from "./support/attack-stage.js";
import { becomes } from "./support/eventually.js";
import { QuietAgent } from "./support/quiet-agent.js";
import { RawWebSocket } from "./support/raw-websocket.js";
import { newToken, TokensFile } from "./support/tokens-file.js";
import { createWorld, type World } from "./support/world.js";

// The agents' port: whoever is no agent of this principal, or not the one it says it is, gets no session.

const CERTIFICATES = new URL("../packages/principal/src/listener/test-certificates/", import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(`${name}.pem`, CERTIFICATES));
const pem = (name: string): string => readFileSync(pathOf(name), "utf8");

it.each([
  { what: "of another origin", headers: { origin: "https://evil.example" } },
  { what: "in a sandbox", headers: { origin: "null" } },
  { what: "whose name was made to point here", headers: { host: "evil.example:7480" } },
])("a web page $what in the operator's browser becomes no agent", async ({ headers }) => {
  const world = await createWorld();
  await world.startPrincipal();
  const subprotocol = { "sec-websocket-protocol": "cloudevents.json" };
  expect(await RawWebSocket.open(world.listen, { ...subprotocol, ...headers })).toMatchObject({
    status: 403,
  });
  const asAgentsDo = await RawWebSocket.open(world.listen, subprotocol);
  expect(asAgentsDo).toBeInstanceOf(RawWebSocket);
  if (asAgentsDo instanceof RawWebSocket) asAgentsDo.cut();
});

describe.each(["ws", "grpc"] as const)("over %s", (transport) => {
  async function start(
    world: World,
    name: string,
    token: string,
    tls?: { readonly ca: string; readonly cert: string; readonly key: string },
  ): Promise<QuietAgent> {
    const scheme = tls === undefined ? "ws" : "wss";
    const credentials = {
      authorization: () => `Bearer ${token}`,
      ...(tls === undefined ? {} : { tls: () => tls }),
    };
    const { address } = world;
    const agent = await QuietAgent.start(
      name,
      transport === "ws"
        ? createWebSocketDialer({
            url: `${scheme}://${address}`,
            subprotocol: "cloudevents.json",
            ...credentials,
          })
        : createGrpcDialer({ target: address, ...credentials }),
    );
    onTestFinished(() => agent.stop());
    return agent;
  }

  const isRefused = async (world: World, agent: string, code: string): Promise<void> => {
    await world.principal.logged(
      `${agent} refused as ${code}`,
      (line) => line.msg.startsWith("session refused") && line["code"] === code && line["agent"] === agent,
    );
  };

  it("a token that is taken out of the file ends its session, and the others stay", async () => {
    const [kept, removed] = [newToken(), newToken()];
    const tokens = await TokensFile.create([
      ["kept", kept],
      ["removed", removed],
    ]);
    const world = await createWorld(["--agent-tokens-file", tokens.path]);
    await world.startPrincipal();
    const [stays, goes] = [await start(world, "kept", kept), await start(world, "removed", removed)];
    await becomes("both are in", () => stays.isConnected && goes.isConnected);
    const { session } = await world.connected("kept");
    await tokens.replace([["kept", kept]]);
    // What watches the file notices by itself; the signal does not wait for that.
    world.principal.signal("SIGHUP");
    await becomes("its session has ended", () => !goes.isConnected);
    const { state, reason } = await world.api.agent("removed");
    expect({ state, reason }).toEqual({
      state: "disconnected",
      reason: expect.stringContaining("the token is not known here") as string,
    });
    expect((await world.connected("kept")).session.id).toBe(session.id);
  });

  it("a token of one agent is none of another, and a certificate of one with the token of another is neither", async () => {
    const [own, other] = [newToken(), newToken()];
    const tokens = await TokensFile.create([
      ["agent-1", own],
      ["agent-2", other],
    ]);
    const args = ["--agent-tokens-file", tokens.path, ...TLS_ARGS, "--tls-client-ca", pathOf("ca")];
    const world = await createWorld(args);
    await world.startPrincipal();
    const tls = { ca: pem("ca"), cert: pem("client"), key: pem("client.key") };
    await start(world, "agent-2", other, tls);
    await isRefused(world, "agent-2", "forbidden");
    const stolen = await start(world, "agent-1", other, tls);
    await isRefused(world, "agent-1", "forbidden");
    expect(stolen.isConnected).toBe(false);
    const right = await start(world, "agent-1", own, tls);
    await becomes("who shows both is in", () => right.isConnected);
  });
});
