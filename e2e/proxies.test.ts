import { mkdir, writeFile } from "node:fs/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeCertificate, type CertificateFiles } from "./support/certificates.js";
import { ConnectProxy } from "./support/connect-proxy.js";
import { followOnCli } from "./support/cli-following.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram, type Finished } from "./support/programs.js";
import type { ServiceProcess } from "./support/service-process.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// A name that only the proxy knows: nothing gets there by another way. The services and the command line are real processes.

const HOST = "principal.example";
const CREDENTIALS = "me:s3cret-of-the-proxy";
const SCHEMES = ["ws", "wss", "grpc", "grpcs"] as const;
type Scheme = (typeof SCHEMES)[number];

const isSecure = (scheme: Scheme): boolean => scheme === "wss" || scheme === "grpcs";

interface Site {
  readonly fleet: TestFleet;
  readonly proxy: ConnectProxy;
  readonly ca: string;
}

/** A principal and its API below one name, with TLS or without, and a proxy that leads there. */
async function makeSite(secure: boolean, proxyTls?: CertificateFiles): Promise<Site> {
  const files = await createTestFleet();
  const { cert, key } = makeCertificate(files.path("server"), { names: `DNS:${HOST},IP:127.0.0.1` });
  const tls = ["--tls-cert", cert, "--tls-key", key, "--api-tls-cert", cert, "--api-tls-key", key];
  const fleet = await createTestFleet([...(secure ? tls : []), "--allow-hosts", HOST]);
  await fleet.startPrincipal();
  const apiPort = Number(new URL(fleet.api.server).port);
  const proxy = new ConnectProxy(
    CREDENTIALS,
    new Map([
      [`${HOST}:7480`, fleet.listen.port],
      [`${HOST}:7481`, apiPort],
    ]),
    proxyTls,
  );
  await proxy.start();
  onTestFinished(() => proxy.stop());
  return { fleet, proxy, ca: cert };
}

async function startAgent(
  { fleet, ca }: Site,
  scheme: Scheme,
  given: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> },
): Promise<ServiceProcess> {
  await mkdir(fleet.path("edge"), { recursive: true });
  const url = ["--name=edge", `--url=${scheme}://${HOST}:7480`, `--data-dir=${fleet.path("edge", "data")}`];
  const files = [`--config-file-root=${fleet.path("edge", "files")}`];
  const trust = isSecure(scheme) ? [`--tls-ca=${ca}`] : [];
  const agent = fleet.service({
    name: "edge",
    program: PROGRAMS.agent,
    args: [...url, ...files, ...trust, ...(given.args ?? [])],
    env: given.env ?? {},
  });
  await agent.start();
  return agent;
}

/** Through the command line of the principal's own machine, where no proxy is needed. */
async function hawser(
  { fleet, ca }: Site,
  server: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return runProgram(PROGRAMS.cli, args, {
    env: {
      HAWSER_SERVER: server,
      HAWSER_CA_FILE: ca,
      HAWSER_TOKEN_FILE: fleet.apiTokenFile,
      HAWSER_CONFIG: fleet.path("config.yaml"),
      ...env,
    },
  });
}

const secretIn = (text: string): boolean => /s3cret|wr0ng/.test(text);

describe("an agent behind a proxy", () => {
  it.each(SCHEMES)("that wants a user and a password: %s", async (scheme) => {
    const site = await makeSite(isSecure(scheme));
    const { fleet, proxy } = site;
    const variable = isSecure(scheme) ? "HTTPS_PROXY" : "HTTP_PROXY";
    const agent = await startAgent(site, scheme, { env: { [variable]: proxy.url(CREDENTIALS) } });
    const server = fleet.api.server.replace("http:", isSecure(scheme) ? "https:" : "http:");
    await writeFile(
      fleet.path("motd.yaml"),
      "{agent: edge, kind: ConfigFile, name: motd, spec: {path: motd, content: Ahoy}}",
    );
    const applied = await hawser(site, server, ["apply", "-f", fleet.path("motd.yaml"), "--wait"]);
    expect(applied.code, applied.stderr).toBe(0);
    expect(proxy.asked.at(0)).toEqual({ authority: `${HOST}:7480`, opened: true });
    expect(secretIn(await agent.logText())).toBe(false);
  });

  it.each(["ws", "grpc"] as const)(
    "that does not know it: 407 is named, and no secret is: %s",
    async (scheme) => {
      const site = await makeSite(false);
      const wrong = await startAgent(site, scheme, {
        args: ["--proxy", site.proxy.url("me:wr0ng")],
        // Flags come before the environment.
        env: { HTTP_PROXY: site.proxy.url(CREDENTIALS) },
      });
      const refusal = await wrong.logged("the refusal", ({ msg }) => msg.includes("with 407"));
      expect(refusal.msg).toMatch(/refused a tunnel to principal\.example:7480 with 407: it does not accept/);
      expect(secretIn(await wrong.logText())).toBe(false);
      expect(site.proxy.asked.every(({ opened }) => !opened)).toBe(true);
    },
  );

  it.each(SCHEMES)("that is itself reached by TLS: %s", async (scheme) => {
    const tls = makeCertificate((await createTestFleet()).path("proxy"));
    const site = await makeSite(isSecure(scheme), tls);
    const { proxy } = site;
    const args = ["--proxy", proxy.url(CREDENTIALS)];
    // Not by --tls-ca, which is for the principal alone.
    const stranger = await startAgent(site, scheme, { args });
    await stranger.logged("that nobody vouches for it", ({ msg }) =>
      msg.includes("TLS with 127.0.0.1 failed: self-signed certificate"),
    );
    expect(proxy.asked).toEqual([]);
    await stranger.stop();
    const agent = await startAgent(site, scheme, { args, env: { NODE_EXTRA_CA_CERTS: tls.cert } });
    await agent.logged("connected", ({ msg }) => msg === "connected");
    expect(proxy.asked.at(0)).toEqual({ authority: `${HOST}:7480`, opened: true });
  });

  it("that is not for this name: --no-proxy is a setting of its own, and what it names is reached directly", async () => {
    const site = await makeSite(false);
    const { fleet, proxy } = site;
    const direct = await startAgent(site, "ws", {
      args: ["--proxy", proxy.url(CREDENTIALS), "--no-proxy", "other.example,.example"],
    });
    // Nobody here knows the name: that is what reaching it directly comes to.
    await direct.logged("why it cannot", ({ msg }) =>
      /ENOTFOUND principal\.example|EAI_AGAIN principal\.example/.test(msg),
    );
    expect(proxy.asked).toEqual([]);
    expect(await fleet.api.agents()).toEqual([]);
  });
});

describe("the command line behind a proxy", () => {
  it.each([
    ["http", ["HTTP_PROXY"]],
    ["https", ["HTTPS_PROXY"]],
    ["https", ["ALL_PROXY"]],
  ] as const)("that wants a user and a password: %s by %s", async (scheme, [variable]) => {
    const site = await makeSite(scheme === "https");
    const { fleet, proxy } = site;
    const server = `${scheme}://${HOST}:7481`;
    const env = { [variable]: proxy.url(CREDENTIALS) };
    const manifest = fleet.path("notes.yaml");
    const names = Array.from({ length: 30 }, (_, n) => `note-${n}`);
    await writeFile(
      manifest,
      names.map((name) => `{agent: edge, kind: Note, name: ${name}, spec: {n: 1}}`).join("\n---\n"),
    );
    expect(await hawser(site, server, ["apply", "-f", manifest], env)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^hawser: edge has never connected[^\n]*\n$/),
    });
    const { code, stdout } = await hawser(site, server, ["get", "edge", "--output", "json"], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(names.length);
    const tunnels = proxy.asked.length;
    expect(proxy.asked.every(({ opened, authority }) => opened && authority === `${HOST}:7481`)).toBe(true);
    // Kept for the next request, or there would be one for each of them.
    expect(tunnels).toBeLessThan(names.length);

    const doctor = await hawser(site, server, ["doctor"], env);
    expect(doctor.stdout).toMatch(/^ok +server .*through the proxy http:\/\/127\.0\.0\.1:\d+$/m);
    expect(doctor.stdout).toMatch(/^ok +reachable/m);
    expect(secretIn(doctor.stdout + doctor.stderr)).toBe(false);
  });

  it("follows what happens, and ends when it is told to", async () => {
    const site = await makeSite(true);
    const { fleet, proxy } = site;
    const server = `https://${HOST}:7481`;
    const env = { HTTPS_PROXY: proxy.url(CREDENTIALS) };
    const following = followOnCli(server, ["events", "--follow", "--output", "json"], {
      HAWSER_CA_FILE: site.ca,
      HAWSER_TOKEN_FILE: fleet.apiTokenFile,
      HAWSER_CONFIG: fleet.path("config.yaml"),
      ...env,
    });
    // It tells what happens from when it is there, so something happens until it has.
    await becomes("it is told", async () => {
      await hawser(site, fleet.api.server.replace("http:", "https:"), [
        "send",
        "edge",
        "--type",
        "e2e.test.v1",
        "--resource",
        "a_u1",
      ]);
      return following.stdout.includes("e2e.test.v1");
    });
    expect(await following.end("SIGINT")).toBe(0);
    expect(proxy.asked).toEqual([{ authority: `${HOST}:7481`, opened: true }]);
  });

  it("names what the proxy answers, with the exit code of an address where nobody answers", async () => {
    const site = await makeSite(true);
    const server = `https://${HOST}:7481`;
    for (const [proxy, said] of [
      [site.proxy.url(), /with 407: it wants a user and a password/],
      [site.proxy.url("me:wr0ng"), /with 407: it does not accept/],
    ] as const) {
      const { code, stderr } = await hawser(site, server, ["--proxy", proxy, "agents"]);
      expect([code, stderr]).toEqual([3, expect.stringMatching(said)]);
      expect(secretIn(stderr)).toBe(false);
    }
    const elsewhere = [
      "--proxy",
      site.proxy.url(CREDENTIALS),
      "--server",
      "https://nowhere.example",
      "agents",
    ];
    expect(await hawser(site, server, elsewhere)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/refused a tunnel to nowhere\.example:443 with 502/),
    });
    const socks = await hawser(site, server, ["--proxy", "socks5://127.0.0.1:1", "agents"]);
    expect(socks).toMatchObject({ code: 2, stderr: expect.stringContaining("write http:// or https://") });
  });

  it("goes directly to this machine, to what --no-proxy names, and where --proxy says none", async () => {
    const site = await makeSite(false);
    const { fleet, proxy } = site;
    const env = { HTTP_PROXY: proxy.url(CREDENTIALS) };
    expect(await hawser(site, fleet.api.server, ["agents"], env)).toMatchObject({ code: 0 });
    const server = `http://${HOST}:7481`;
    for (const flags of [
      ["--no-proxy", HOST],
      ["--proxy", "none"],
    ])
      expect(await hawser(site, server, [...flags, "agents"], env)).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
      });
    expect(await hawser(site, server, ["agents"], { ...env, NO_PROXY: ".example" })).toMatchObject({
      code: 3,
    });
    expect(proxy.asked).toEqual([]);
  });
});

describe("a server's certificate without a subject alternative name", () => {
  it.each(["wss", "grpcs"] as const)("is refused by %s, with what to do", async (scheme) => {
    const files = await createTestFleet();
    const { cert, key } = makeCertificate(files.path("server"), { commonName: "localhost", names: "" });
    const fleet = await createTestFleet(["--tls-cert", cert, "--tls-key", key]);
    await fleet.startPrincipal();
    const agent = fleet.service({
      name: "edge",
      program: PROGRAMS.agent,
      args: [
        "--name=edge",
        `--url=${scheme}://localhost:${fleet.listen.port}`,
        `--tls-ca=${cert}`,
        `--data-dir=${fleet.path("edge")}`,
      ],
    });
    await agent.start();
    const said = await agent.logged("the refusal", ({ msg }) => msg.includes("subject alternative name"));
    expect(said.msg).toMatch(/CN=localhost.*issue one with subjectAltName=DNS:<host>.* for localhost/);
  });

  it("is refused by the command line, with what to do", async () => {
    const files = await createTestFleet();
    const { cert, key } = makeCertificate(files.path("server"), { commonName: "localhost", names: "" });
    const fleet = await createTestFleet(["--api-tls-cert", cert, "--api-tls-key", key]);
    await fleet.startPrincipal();
    const { port } = new URL(fleet.api.server);
    const site = { fleet, ca: cert, proxy: new ConnectProxy("", new Map()) };
    expect(await hawser(site, `https://localhost:${port}`, ["agents"])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/issue one with subjectAltName/),
    });
  });
});
