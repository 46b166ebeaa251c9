import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, rename, writeFile } from "node:fs/promises";
import { connect } from "node:tls";
import { systemClock } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { makeCertificate, type CertificateFiles } from "./support/certificates.js";
import { becomes, eventually } from "./support/eventually.js";
import { RawWebSocket } from "./support/raw-websocket.js";
import type { LogLine, ServiceProcess } from "./support/service-process.js";
import { createTestFleet, TRANSPORTS, type Transport, type TestFleet } from "./support/test-fleet.js";

const TOKENS = { "edge-1": "the-token-of-edge-1-alone", "edge-2": "the-token-of-edge-2-alone" } as const;
type Name = keyof typeof TOKENS;

/** As editors and orchestrators write: as a whole, under a name of its own first. */
async function replace(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function replacePair(to: CertificateFiles, from: CertificateFiles): Promise<void> {
  await replace(to.cert, readFileSync(from.cert));
  await replace(to.key, readFileSync(from.key));
}

const tokensOf = (...names: readonly Name[]): string =>
  ["# test", ...names.map((name) => `${name} ${TOKENS[name]}`), ""].join("\n");

/** Of the certificate that this port shows now. */
async function shown(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()?.fingerprint256 ?? "";
  } finally {
    socket.destroy();
  }
}

const fingerprintOf = ({ cert }: CertificateFiles): string =>
  new X509Certificate(readFileSync(cert)).fingerprint256;

interface Site {
  readonly fleet: TestFleet;
  readonly used: CertificateFiles;
  readonly other: CertificateFiles;
  readonly tokensFile: string;
}

/** A principal with TLS and tokens, and two certificates that agents trust. */
async function makeSite(...args: readonly string[]): Promise<Site> {
  // The files have to be there before the principal is, and its fleet makes the folder.
  const files = await createTestFleet();
  const used = { cert: files.path("used.pem"), key: files.path("used.key") };
  const tokensFile = files.path("tokens");
  const first = makeCertificate(files.path("first"));
  const other = makeCertificate(files.path("other"), { days: 200 });
  await replacePair(used, first);
  await replace(
    files.path("authorities.pem"),
    [first, other].map(({ cert }) => readFileSync(cert)).join("\n"),
  );
  await replace(tokensFile, tokensOf("edge-1", "edge-2"));
  const tls = ["--tls-cert", used.cert, "--tls-key", used.key];
  const fleet = await createTestFleet([...tls, "--agent-tokens-file", tokensFile, ...args]);
  await copyFile(files.path("authorities.pem"), fleet.path("authorities.pem"));
  await fleet.startPrincipal();
  return { fleet, used, other, tokensFile };
}

async function startAgent({ fleet }: Site, name: Name, transport: Transport): Promise<ServiceProcess> {
  await writeFile(fleet.path(`${name}.token`), TOKENS[name]);
  const scheme = transport === "grpc" ? "grpcs" : "wss";
  const secure = ["--url", `${scheme}://${fleet.address}`, "--tls-ca", fleet.path("authorities.pem")];
  const agent = await fleet.agent(name, {
    transport,
    args: [...secure, "--token-file", fleet.path(`${name}.token`)],
  });
  await agent.start();
  return agent;
}

const isReadAgain = ({ msg }: LogLine): boolean => msg.startsWith("read again: ");

async function readAgain(service: ServiceProcess): Promise<readonly string[]> {
  return (await service.logLines()).filter(isReadAgain).map(({ msg }) => msg);
}

describe("the certificate of the agents' port", () => {
  it.each(TRANSPORTS)("replaced: whoever comes next sees it, who is there stays (%s)", async (transport) => {
    const site = await makeSite();
    const { fleet, used, other } = site;
    await startAgent(site, "edge-1", transport);
    const { session } = await fleet.connected("edge-1");
    expect(await shown(fleet.listen.port)).toBe(fingerprintOf(used));

    await replacePair(used, other);
    await becomes(
      "the new one is shown",
      async () => (await shown(fleet.listen.port)) === fingerprintOf(other),
    );
    await startAgent(site, "edge-2", transport);
    await fleet.connected("edge-2");
    const { version } = await fleet.api.put("edge-1", "ConfigFile", "motd", { path: "motd", content: "x" });
    await becomes(
      "what is published still arrives",
      async () => (await fleet.api.resource("edge-1", "ConfigFile", "motd")).observedVersion === version,
    );
    expect((await fleet.connected("edge-1")).session).toMatchObject({ id: session.id, epoch: session.epoch });
    const end = Date.parse(new X509Certificate(readFileSync(other.cert)).validTo) / 1_000;
    expect(await fleet.api.metric("hawser_tls_certificate_not_after_seconds", 'port="agents"')).toBe(end);
  });

  it("replaced without its key: refused, and the one in use stays, until the key comes", async () => {
    const site = await makeSite();
    const { fleet, used, other } = site;
    const before = fingerprintOf(used);
    await replace(used.cert, readFileSync(other.cert));
    const refusal = await fleet.principal.logged("the refusal", ({ level }) => level === "error");
    expect(refusal).toMatchObject({
      code: "invalid_config",
      role: "TLS of the agents' port",
      msg: expect.stringMatching(/^refused, and what was in use stays: /),
    });
    expect(await shown(fleet.listen.port)).toBe(before);
    await startAgent(site, "edge-1", "ws-json");
    await fleet.connected("edge-1");
    fleet.principal.signal("SIGHUP");
    await eventually("the signal is answered", async () => (await readAgain(fleet.principal))[0]);
    expect(await readAgain(fleet.principal)).toEqual([
      "read again: TLS of the agents' port refused; agents' tokens unchanged; API tokens unchanged",
    ]);

    await replace(used.key, readFileSync(other.key));
    await becomes("the pair is taken", async () => (await shown(fleet.listen.port)) === fingerprintOf(other));
  });
});

const LOOK_MS = 4_500;

describe("tokens", () => {
  it.each(TRANSPORTS)("one that is taken out ends its session, and no other (%s)", async (transport) => {
    const site = await makeSite();
    const { fleet, tokensFile } = site;
    const removed = await startAgent(site, "edge-1", transport);
    await startAgent(site, "edge-2", transport);
    await fleet.connected("edge-1");
    const { session } = await fleet.connected("edge-2");

    const removedAt = systemClock.now();
    await replace(tokensFile, tokensOf("edge-2"));
    await becomes("it has no session", async () => (await fleet.api.agent("edge-1")).state !== "connected");
    const tookMs = Math.round(systemClock.now() - removedAt);
    console.log(`reload: ${transport}: a removed token ended its session after ${tookMs} ms`);
    // Before a look at the files, which comes every five seconds, could have found it: the system told of the change.
    expect(tookMs).toBeLessThan(LOOK_MS);
    await fleet.principal.logged("what came of it", ({ msg }) =>
      /^reloaded \(sessions ended whose tokens count no longer: 1\)$/.test(msg),
    );
    expect((await fleet.connected("edge-2")).session.id).toBe(session.id);

    await replace(tokensFile, tokensOf("edge-1", "edge-2"));
    await fleet.principal.logged(
      "the token is back",
      ({ msg, role }) => msg === "reloaded" && role === "agents' tokens",
    );
    // It would come by itself within 30 seconds.
    removed.signal("SIGHUP");
    await fleet.connected("edge-1");
  });

  it("a signal reads all files at once, in one line that says what became of each", async () => {
    const site = await makeSite();
    const { fleet, tokensFile, used, other } = site;
    const agent = await startAgent(site, "edge-1", "ws-json");
    await fleet.connected("edge-1");
    // In place and within one turn, so that the signal comes before the system's word of it is acted upon.
    await writeFile(tokensFile, tokensOf("edge-2"));
    await writeFile(used.cert, readFileSync(other.cert));
    await writeFile(used.key, readFileSync(other.key));
    fleet.principal.signal("SIGHUP");
    await eventually("the signal is answered", async () => (await readAgain(fleet.principal))[0]);
    const [line = "", ...more] = await readAgain(fleet.principal);
    expect(more).toEqual([]);
    // Whichever of the two came first: each change is told once.
    expect(line).toMatch(
      /^read again: TLS of the agents' port (?:reloaded|unchanged); agents' tokens (?:reloaded \(sessions ended whose tokens count no longer: 1\)|unchanged); API tokens unchanged$/,
    );
    await becomes("it has no session", async () => (await fleet.api.agent("edge-1")).state !== "connected");
    expect(await shown(fleet.listen.port)).toBe(fingerprintOf(other));

    agent.signal("SIGHUP");
    await eventually("the agent answers, too", async () => (await readAgain(agent))[0]);
    expect(await readAgain(agent)).toEqual(["read again: token unchanged; TLS unchanged"]);
  });
});

describe("the certificate of the API", () => {
  it("replaced: whoever asks next sees it, and its end is told", async () => {
    const files = await createTestFleet();
    const used = makeCertificate(files.path("used"));
    const other = makeCertificate(files.path("other"), { days: 5 });
    const fleet = await createTestFleet(["--api-tls-cert", used.cert, "--api-tls-key", used.key]);
    await fleet.startPrincipal();
    const port = Number(new URL(fleet.api.server).port);
    expect(await shown(port)).toBe(fingerprintOf(used));
    await replacePair(used, other);
    await becomes("the new one is shown", async () => (await shown(port)) === fingerprintOf(other));
  });
});

describe("who is refused", () => {
  it("a web page, by both ports, whatever it shows", async () => {
    const site = await makeSite();
    const plain = await createTestFleet();
    await plain.startPrincipal();
    const origin = "https://evil.example";
    const page = await RawWebSocket.open(plain.listen, {
      origin,
      "sec-websocket-protocol": "cloudevents.json",
    });
    expect(page).toMatchObject({ status: 403 });
    const own = await RawWebSocket.open(plain.listen, { "sec-websocket-protocol": "cloudevents.json" });
    expect(own).toBeInstanceOf(RawWebSocket);
    if (own instanceof RawWebSocket) own.cut();
    const answer = await fetch(`${site.fleet.api.server}/v1/drain`, {
      method: "POST",
      headers: { origin, ...site.fleet.api.authorization },
    });
    expect(answer.status).toBe(403);
    expect((await site.fleet.api.request("GET", "/readyz")).status).toBe(200);
  });

  it("an agent whose certificate and token are not for the same name", async () => {
    const files = await createTestFleet();
    const client = makeCertificate(files.path("client"), { commonName: "edge-1", names: "" });
    const site = await makeSite("--tls-client-ca", client.cert);
    const { fleet } = site;
    const shows = ["--tls-cert", client.cert, "--tls-key", client.key];
    const start = async (name: Name): Promise<ServiceProcess> => {
      await writeFile(fleet.path(`${name}.token`), TOKENS[name]);
      const trusts = ["--url", `wss://${fleet.address}`, "--tls-ca", fleet.path("authorities.pem")];
      const agent = await fleet.agent(name, {
        args: [...trusts, ...shows, "--token-file", fleet.path(`${name}.token`)],
      });
      await agent.start();
      return agent;
    };
    const both = await start("edge-1");
    await fleet.connected("edge-1");
    const mixed = await start("edge-2");
    const refusal = await mixed.logged("the refusal", ({ code }) => code === "forbidden");
    expect(JSON.stringify(refusal)).toContain("edge-2 came with a certificate for edge-1");
    expect((await both.logLines()).some(({ code }) => code === "forbidden")).toBe(false);
  });
});

it("the list of commands is read again: what was refused may run, and a list that is wrong changes nothing", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const list = fleet.path("allowed.yaml");
  await writeFile(list, "commands:\n  - /usr/bin/uptime\n");
  const agent = await fleet.agent("edge-1", { args: ["--task-allow", list] });
  await agent.start();
  await fleet.connected("edge-1");
  const task = { command: "/usr/bin/env", args: [] };
  await fleet.api.put("edge-1", "Task", "shown", task);
  await becomes("it is refused", async () => (await fleet.api.agent("edge-1")).deadLetters === 1);

  await replace(list, "commands: nothing\n");
  agent.signal("SIGHUP");
  const refusal = await agent.logged("the refusal", ({ code }) => code === "invalid_config");
  expect(refusal).toMatchObject({ level: "error", role: "list of commands of Task" });
  await replace(list, "commands:\n  - /usr/bin/uptime\n  - /usr/bin/env\n");
  await agent.logged(
    "the new list",
    ({ msg, role }) => msg === "reloaded" && role === "list of commands of Task",
  );
  await fleet.api.put("edge-1", "Task", "shown", { ...task, restart: { policy: "never" } });
  await becomes("it ran", async () => {
    const { status } = await fleet.api.resource("edge-1", "Task", "shown");
    return JSON.stringify(status ?? {}).includes('"exited"');
  });
});
