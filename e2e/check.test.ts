import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeCertificate } from "./support/certificates.js";
import { PROGRAMS, runProgram, type Finished } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

const TOKEN = "a-token-of-this-very-test";

function checkPrincipal(fleet: TestFleet, ...args: readonly string[]): Promise<Finished> {
  return runProgram(PROGRAMS.principal, [
    `--data-dir=${fleet.path("new", "principal")}`,
    "--listen=127.0.0.1:0",
    "--api-listen=127.0.0.1:0",
    // Whatever the limit of open files is where the tests run, it is enough for so many.
    "--max-sessions=100",
    "--max-unauthenticated=100",
    ...args,
    "--check",
  ]);
}

function checkAgent(fleet: TestFleet, ...args: readonly string[]): Promise<Finished> {
  const own = ["--name=edge", "--url=ws://127.0.0.1:1", `--data-dir=${fleet.path("new", "agent")}`];
  return runProgram(PROGRAMS.agent, [...own, ...args, "--check"]);
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** All files below a directory. */
async function filesBelow(directory: string): Promise<readonly string[]> {
  return (await readdir(directory, { recursive: true })).toSorted();
}

describe("--check of a principal", () => {
  it("that can start ends with 0 and leaves nothing behind, not even a token", async () => {
    const fleet = await createTestFleet();
    await mkdir(fleet.path("run"));
    const before = await filesBelow(fleet.directory);
    const sockets = [
      `--internal-listen=unix:${fleet.path("run", "internal.sock")}`,
      `--health-listen=unix:${fleet.path("run", "health.sock")}`,
    ];
    const finished = await checkPrincipal(fleet, ...sockets, `--ready-file=${fleet.path("run", "ready")}`);
    expect(finished).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("are good") });
    expect(await filesBelow(fleet.directory)).toEqual(before);
  });

  it.each(["listen", "api-listen", "health-listen", "internal-listen"])(
    "whose port of --%s is taken ends as the start would",
    async (setting) => {
      const fleet = await createTestFleet();
      const port = await takenPort();
      const finished = await checkPrincipal(fleet, `--${setting}=127.0.0.1:${port}`);
      expect(finished).toMatchObject({ code: 1, stderr: expect.stringMatching(/^port_in_use: .*in use/) });
      expect(existsSync(fleet.path("new"))).toBe(false);
    },
  );

  it("that wants one port twice, or an address of another machine, ends as the start would", async () => {
    const fleet = await createTestFleet();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const twice = [`--listen=127.0.0.1:${port}`, `--api-listen=127.0.0.1:${port}`];
    expect(await checkPrincipal(fleet, ...twice)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^port_in_use: /),
    });
    // TEST-NET-1 (RFC 5737): nobody has it. Nothing is sent to it.
    expect(await checkPrincipal(fleet, "--health-listen=192.0.2.1:0")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^address_unavailable: /),
    });
  });

  it("whose directories cannot be made, whose store is damaged, or whose files are wrong, says which", async () => {
    const fleet = await createTestFleet();
    await writeFile(fleet.path("file"), "");
    expect(await checkPrincipal(fleet, `--data-dir=${fleet.path("file", "below")}`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^store_unavailable: the data directory .*ENOTDIR/),
    });
    expect(await checkPrincipal(fleet, `--ready-file=${fleet.path("file", "ready")}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--ready-file"),
    });
    await mkdir(fleet.path("damaged"), { mode: 0o700 });
    await writeFile(fleet.path("damaged", "CURRENT"), "MANIFEST-000007\n");
    expect(await checkPrincipal(fleet, `--data-dir=${fleet.path("damaged")}`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^store_corrupt: /),
    });
    await writeFile(fleet.path("tokens"), "edge-1 short\n");
    expect(await checkPrincipal(fleet, `--agent-tokens-file=${fleet.path("tokens")}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("tokens:1"),
    });
    const { cert, key } = makeCertificate(fleet.path("own"));
    const tls = [`--tls-cert=${cert}`, `--tls-key=${key}`];
    expect(await checkPrincipal(fleet, ...tls, `--tls-client-ca=${fleet.path("tokens")}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("holds no certificate"),
    });
  });

  it.each([
    ["agents' port", "--tls-cert", "--tls-key"],
    ["API", "--api-tls-cert", "--api-tls-key"],
  ])(
    "whose certificate and key of the %s do not fit, says which file is what",
    async (_port, certFlag, keyFlag) => {
      const fleet = await createTestFleet();
      const { cert, key } = makeCertificate(fleet.path("own"));
      const other = makeCertificate(fleet.path("other"));
      const said = async (certFile: string, keyFile: string): Promise<string> => {
        const finished = await checkPrincipal(fleet, `${certFlag}=${certFile}`, `${keyFlag}=${keyFile}`);
        expect([finished.code, finished.stdout]).toEqual([2, ""]);
        return finished.stderr;
      };
      expect(await said(cert, other.key)).toBe(
        `invalid_config: ${keyFlag} ${other.key} is not the key of ${certFlag} ${cert}; give the pair that belongs together\n`,
      );
      const swapped = await said(key, cert);
      expect(swapped).toContain(
        `${certFlag} ${key} holds no certificate in PEM form, but a key; are the two exchanged?`,
      );
      expect(swapped).toContain(
        `${keyFlag} ${cert} holds no private key in PEM form without a passphrase, but a certificate`,
      );
    },
  );

  it("that has many things wrong is told all of them, one after the other", async () => {
    const fleet = await createTestFleet();
    const [empty, file] = [fleet.path("empty"), fleet.path("file")];
    await writeFile(empty, "");
    await writeFile(file, "");
    const finished = await checkPrincipal(
      fleet,
      `--tls-cert=${fleet.path("nowhere.crt")}`,
      `--tls-key=${fleet.path("nowhere.key")}`,
      `--agent-tokens-file=${empty}`,
      `--api-token-file=${empty}`,
      `--data-dir=${file}`,
      `--ready-file=${fleet.path("file", "ready")}`,
    );
    // The settings are what the start would end with.
    expect([finished.code, finished.stdout]).toEqual([2, ""]);
    for (const said of [
      /^invalid_config: hawser-principal cannot start:$/m,
      /^ {2}--tls-cert: the file cannot be read: ENOENT.*nowhere\.crt/m,
      new RegExp(`^ {2}${empty}: there is no token in it`, "m"),
      new RegExp(`^ {2}${empty}: there is no API token in it`, "m"),
      new RegExp(`^store_unavailable: the data directory ${file} cannot be written: EEXIST`, "m"),
      /^store_unavailable: the directory of --ready-file /m,
    ])
      expect(finished.stderr).toMatch(said);
  });

  it("that has a wrong value is told what is wrong with its files as well", async () => {
    const fleet = await createTestFleet();
    const args = ["--window=0", `--tls-cert=${fleet.path("nowhere.crt")}`, `--tls-key=${fleet.path("key")}`];
    const finished = await checkPrincipal(fleet, ...args);
    expect(finished).toMatchObject({ code: 2, stdout: "" });
    expect(finished.stderr).toMatch(/^ {2}--window is not a whole number/m);
    expect(finished.stderr).toMatch(/^ {2}--tls-cert: the file cannot be read: ENOENT.*nowhere\.crt/m);
  });

  it("beside the one that runs with this data directory, leaves its store and its ports alone, and says so", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const own = [`--data-dir=${fleet.path("principal")}`, `--listen=${fleet.address}`];
    expect(await checkPrincipal(fleet, ...own)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^warning: a service that runs has the data directory/),
    });
    await fleet.api.put("edge", "Note", "after", { still: "works" });
    await fleet.principal.stop();
    // The store that is there now is opened, and a start still finds everything in it.
    expect(await checkPrincipal(fleet, ...own)).toMatchObject({ code: 0, stderr: "" });
    await fleet.startPrincipal();
    expect((await fleet.api.resource("edge", "Note", "after")).spec).toEqual({ still: "works" });
  });

  it("warns of a certificate that ends soon", async () => {
    const fleet = await createTestFleet();
    const { cert, key } = makeCertificate(fleet.path("own"), { days: 5 });
    const tls = [`--tls-cert=${cert}`, `--tls-key=${key}`];
    expect(await checkPrincipal(fleet, ...tls)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^warning: the certificate of --tls-cert .* ends in 4 days .*no restart/),
    });
  });
});

describe("--check of an agent", () => {
  it("that can start ends with 0 and leaves nothing behind", async () => {
    const fleet = await createTestFleet();
    await writeFile(fleet.path("token"), TOKEN);
    const before = await filesBelow(fleet.directory);
    const finished = await checkAgent(
      fleet,
      `--config-file-root=${fleet.path("root")}`,
      `--token-file=${fleet.path("token")}`,
    );
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    expect(await filesBelow(fleet.directory)).toEqual(before);
  });

  it("whose directories or files are wrong says which", async () => {
    const fleet = await createTestFleet();
    await writeFile(fleet.path("file"), "");
    expect(await checkAgent(fleet, `--config-file-root=${fleet.path("file", "root")}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--config-file-root"),
    });
    await writeFile(fleet.path("token"), "two words");
    const refused = await checkAgent(fleet, `--token-file=${fleet.path("token")}`);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("one token on one line") });
    expect(refused.stderr).not.toContain("two words");
    await mkdir(fleet.path("damaged", "store"), { recursive: true, mode: 0o700 });
    await writeFile(fleet.path("damaged", "store", "CURRENT"), "MANIFEST-000007\n");
    expect(await checkAgent(fleet, `--data-dir=${fleet.path("damaged")}`)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^store_corrupt: /),
    });
  });
});
