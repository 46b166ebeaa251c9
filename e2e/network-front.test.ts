import { systemRuntime } from "@hawser/runtime";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createAgent, type Agent } from "@hawser/agent";
import { createMemoryStore } from "@hawser/store";
import type { Dialer } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readPages } from "./support/documents.js";
import { becomes } from "./support/eventually.js";
import { FrontProxy, frontMissing, type FrontProgram } from "./support/front-proxy.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// The configurations of docs/network.md, with their default timeouts, between a principal and an agent.

const SCHEMES = ["ws", "wss", "grpc", "grpcs"] as const;
type Scheme = (typeof SCHEMES)[number];

const CONTENT = "x".repeat(900_000);
/** Times `CONTENT`: more than 5 MB each way. */
const RESOURCES = 6;

const isSecure = (scheme: Scheme): boolean => scheme.endsWith("s") && scheme !== "ws";

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate for 127.0.0.1 that is its own authority. */
function makeCertificate(fleet: TestFleet): Certificate {
  const cert = fleet.path("front.crt");
  const key = fleet.path("front.key");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const names = ["-subj", "/CN=front", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = spawnSync("openssl", ["req", "-x509", ...curve, ...names, "-keyout", key, "-out", cert]);
  expect(made.status).toBe(0);
  return { cert, key };
}

async function configOf(language: string): Promise<string> {
  const pages = await readPages();
  const block = pages
    .find(({ name }) => name === "network.md")
    ?.blocks.find((each) => each.language === language && each.label === "");
  if (block === undefined) throw new Error(`docs/network.md has no block of ${language}`);
  return block.code;
}

async function frontOf(
  program: FrontProgram,
  scheme: Scheme,
  fleet: TestFleet,
  files: Certificate,
): Promise<FrontProxy> {
  const config = await configOf(program);
  const h2c = scheme === "grpc";
  if (program === "nginx") {
    const listen = isSecure(scheme) ? "listen $& ssl http2" : h2c ? "listen $& http2" : "listen $&";
    const plain = config.replace(/listen (443) ssl http2/, listen.replace("$&", "443"));
    const replacements = [
      [/server 127\.0\.0\.1:7480/g, `server ${fleet.address}`],
      ["/etc/nginx/hawser.crt", files.cert],
      ["/etc/nginx/hawser.key", files.key],
    ] as const;
    const options = { program, config: plain, replacements, directory: fleet.path(`nginx-${scheme}`) };
    return FrontProxy.make(options, /(listen )443/);
  }
  const pem = fleet.path("front.pem");
  spawnSync("sh", ["-c", 'cat "$0" "$1" > "$2"', files.cert, files.key, pem]);
  const bind = isSecure(scheme) ? config : config.replace(/ ssl crt \S+ alpn \S+/, h2c ? " proto h2" : "");
  const replacements = [
    [/server principal 127\.0\.0\.1:7480/g, `server principal ${fleet.address}`],
    ["/etc/haproxy/hawser.pem", pem],
  ] as const;
  return FrontProxy.make(
    { program, config: bind, replacements, directory: fleet.path(`haproxy-${scheme}`) },
    /(bind ):443/,
  );
}

function dialerTo(scheme: Scheme, port: string, { cert }: Certificate): Dialer {
  const tls = isSecure(scheme) ? { tls: { ca: readFileSync(cert) } } : {};
  return scheme.startsWith("grpc")
    ? createGrpcDialer({ url: `${scheme}://127.0.0.1:${port}`, ...tls })
    : createWebSocketDialer({
        url: `${scheme}://127.0.0.1:${port}`,
        subprotocol: "cloudevents.json",
        ...tls,
      });
}

/** An agent that answers each spec with a status of the same size. */
async function startEcho(name: string, dialer: Dialer): Promise<{ agent: Agent; stop: () => Promise<void> }> {
  const store = createMemoryStore();
  const agent = createAgent({
    runtime: systemRuntime(),
    name,
    store,
    dialer,
    timing: { rotationMinMs: 1_500, rotationMaxMs: 2_500 },
    handlers: {
      Echo: { apply: ({ spec }) => Promise.resolve({ heard: spec }), delete: () => Promise.resolve() },
    },
  });
  await agent.start();
  return {
    agent,
    stop: async () => {
      await agent.stop({ graceMs: 1_000 });
    },
  };
}

const statusSchema = z.object({ heard: z.object({ content: z.string() }) });

/** The size of what came back; undefined while it has not. */
async function echoed(fleet: TestFleet, agent: string, name: string): Promise<number | undefined> {
  const { status } = await fleet.api.resource(agent, "Echo", name);
  return statusSchema.safeParse(status).data?.heard.content.length;
}

const epochOf = async (fleet: TestFleet, agent: string): Promise<number> =>
  (await fleet.api.agent(agent)).session?.epoch ?? 0;

describe.each(["nginx", "haproxy"] as const)("behind %s", (program) => {
  const missing = frontMissing(program);
  if (missing !== undefined) {
    it.skip(missing, () => {});
    return;
  }
  it.each(SCHEMES)("%s: 5 MB each way, rotation, and back when the proxy was gone", async (scheme) => {
    const name = `${program}-${scheme}`;
    const fleet = await createTestFleet();
    const files = makeCertificate(fleet);
    await fleet.startPrincipal();
    const front = await frontOf(program, scheme, fleet, files);
    fleet.atEnd(() => front.kill());
    await front.start();
    const echo = await startEcho(name, dialerTo(scheme, front.port, files));
    fleet.atEnd(echo.stop);
    await becomes("the agent is there", async () => (await fleet.api.agent(name)).state === "connected");
    const first = await epochOf(fleet, name);

    for (let n = 0; n < RESOURCES; n += 1)
      await fleet.api.put(name, "Echo", `big-${n}`, { content: CONTENT });
    for (let n = 0; n < RESOURCES; n += 1)
      await becomes(
        `big-${n} came back`,
        async () => (await echoed(fleet, name, `big-${n}`)) === CONTENT.length,
      );

    await becomes("the connection was renewed", async () => (await epochOf(fleet, name)) > first);

    await front.kill();
    await fleet.api.put(name, "Echo", "after", { content: "back" });
    await front.start();
    await becomes(
      "what came meanwhile is there",
      async () => (await echoed(fleet, name, "after")) === "back".length,
    );
    await echo.stop();
  });
});
