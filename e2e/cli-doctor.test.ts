import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeCertificate } from "./support/certificates.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import {
  createSharedFleet,
  createTestFleet,
  watchSharedFleet,
  type TestFleet,
} from "./support/test-fleet.js";

const certificate = (name: string): string =>
  fileURLToPath(new URL(`../packages/listener/src/testing/certificates/${name}.pem`, import.meta.url));
const CA = certificate("ca");
const TLS = ["--tls-cert", certificate("server"), "--tls-key", certificate("server.key")];

const checksSchema = z.array(
  z.object({ name: z.string(), result: z.string(), detail: z.string(), fix: z.string().optional() }),
);

let fleet: TestFleet;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet(TLS);
  await fleet.startPrincipal();
});

/** What the doctor says of the thing the flags name, and with which code it ends. */
async function ask(about: string, ...flags: readonly string[]) {
  const env = { HAWSER_SERVER: fleet.api.server, HAWSER_CONFIG: fleet.path("config.yaml") };
  const { code, stdout } = await runProgram(PROGRAMS.cli, ["doctor", ...flags, "--output", "json"], { env });
  const check = checksSchema.parse(JSON.parse(stdout)).find(({ name }) => name.startsWith(about));
  return { code, ...check };
}

describe("hawser doctor", () => {
  it("finds a certificate good that agents are given the authority of, and says for how long", async () => {
    expect(await ask("tls", "--tls", fleet.address, "--tls-ca", CA)).toMatchObject({
      code: 0,
      result: "ok",
      detail: expect.stringMatching(/^test only server, trusted, good for \d+ days$/),
    });
  });

  it("says what to do about one that nobody trusts, is for another name, or is not there", async () => {
    const [, port] = fleet.address.split(":");
    expect(await ask("tls", "--tls", fleet.address)).toMatchObject({
      code: 1,
      result: "fail",
      fix: expect.stringContaining("--tls-ca"),
    });
    expect(await ask("tls", "--tls", `127.0.0.2:${port}`, "--tls-ca", CA)).toMatchObject({ result: "fail" });
    const api = new URL(fleet.api.server).host;
    expect(await ask("tls", "--tls", api)).toMatchObject({
      result: "fail",
      fix: expect.stringContaining("--tls-cert"),
    });
    expect(await ask("tls", "--tls", "nonsense")).toMatchObject({ detail: "is no address" });
    expect(await ask("tls", "--tls", fleet.address, "--tls-ca", "/no/such.pem")).toMatchObject({
      result: "fail",
      detail: expect.stringContaining("ENOENT"),
    });
  });

  it("opens the store of a service that is stopped, leaves that of a running one alone, and makes none", async () => {
    const directory = fleet.path("principal");
    await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "x" });
    expect(await ask("store", "--store", directory)).toMatchObject({
      code: 0,
      result: "ok",
      detail: expect.stringContaining("in use by a service"),
    });
    await fleet.principal.stop();
    expect(await ask("store", "--store", directory)).toMatchObject({
      result: "ok",
      detail: "opens; 1 mailboxes, 1 pending, 0 dead letters",
    });
    expect(await ask("store", "--store", fleet.directory)).toMatchObject({
      code: 1,
      result: "fail",
      detail: "holds no store",
    });
    await fleet.startPrincipal();
    expect(await fleet.api.agent("edge")).toMatchObject({ pending: 1 });
  });
});

it("warns from 14 days before a certificate ends, of the one that the principal shows as well", async () => {
  const files = await createTestFleet();
  const { cert, key } = makeCertificate(files.path("short"), { days: 13 });
  const short = await createTestFleet(["--tls-cert", cert, "--tls-key", key]);
  await short.startPrincipal();
  const env = {
    HAWSER_SERVER: short.api.server,
    HAWSER_TOKEN_FILE: short.apiTokenFile,
    HAWSER_CONFIG: short.path("config.yaml"),
  };
  const args = ["doctor", "--tls", short.address, "--tls-ca", cert, "--output", "json"];
  const { code, stdout } = await runProgram(PROGRAMS.cli, args, { env });
  const checks = checksSchema.parse(JSON.parse(stdout));
  expect(code).toBe(0);
  expect(checks.find(({ name }) => name === "certificate agents")).toMatchObject({
    result: "warn",
    detail: expect.stringContaining("ends in 12 days"),
    fix: expect.stringContaining("no restart is needed"),
  });
  expect(checks.find(({ name }) => name.startsWith("tls "))).toMatchObject({ result: "warn" });
});
