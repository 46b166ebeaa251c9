import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { makeCertificate } from "./support/certificates.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createSharedWorld, createWorld, watchSharedWorld, type World } from "./support/world.js";

const certificate = (name: string): string =>
  fileURLToPath(new URL(`../packages/listener/src/testing/certificates/${name}.pem`, import.meta.url));
const CA = certificate("ca");
const TLS = ["--tls-cert", certificate("server"), "--tls-key", certificate("server.key")];

const checksSchema = z.array(
  z.object({ name: z.string(), result: z.string(), detail: z.string(), fix: z.string().optional() }),
);

let world: World;
watchSharedWorld(() => world);

beforeAll(async () => {
  world = await createSharedWorld(TLS);
  await world.startPrincipal();
});

/** What the doctor says of the thing the flags name, and with which code it ends. */
async function ask(about: string, ...flags: readonly string[]) {
  const env = { HAWSER_SERVER: world.api.server, HAWSER_CONFIG: world.path("config.yaml") };
  const { code, stdout } = await runProgram(PROGRAMS.cli, ["doctor", ...flags, "--output", "json"], { env });
  const check = checksSchema.parse(JSON.parse(stdout)).find(({ name }) => name.startsWith(about));
  return { code, ...check };
}

describe("hawser doctor", () => {
  it("finds a certificate good that agents are given the authority of, and says for how long", async () => {
    expect(await ask("tls", "--tls", world.address, "--tls-ca", CA)).toMatchObject({
      code: 0,
      result: "ok",
      detail: expect.stringMatching(/^test only server, trusted, good for \d+ days$/),
    });
  });

  it("says what to do about one that nobody trusts, is for another name, or is not there", async () => {
    const [, port] = world.address.split(":");
    expect(await ask("tls", "--tls", world.address)).toMatchObject({
      code: 1,
      result: "fail",
      fix: expect.stringContaining("--tls-ca"),
    });
    expect(await ask("tls", "--tls", `127.0.0.2:${port}`, "--tls-ca", CA)).toMatchObject({ result: "fail" });
    const api = new URL(world.api.server).host;
    expect(await ask("tls", "--tls", api)).toMatchObject({
      result: "fail",
      fix: expect.stringContaining("--tls-cert"),
    });
    expect(await ask("tls", "--tls", "nonsense")).toMatchObject({ detail: "is no address" });
    expect(await ask("tls", "--tls", world.address, "--tls-ca", "/no/such.pem")).toMatchObject({
      result: "fail",
      detail: expect.stringContaining("ENOENT"),
    });
  });

  it("opens the store of a service that is stopped, leaves that of a running one alone, and makes none", async () => {
    const directory = world.path("principal");
    await world.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "x" });
    expect(await ask("store", "--store", directory)).toMatchObject({
      code: 0,
      result: "ok",
      detail: expect.stringContaining("in use by a service"),
    });
    await world.principal.stop();
    expect(await ask("store", "--store", directory)).toMatchObject({
      result: "ok",
      detail: "opens; 1 mailboxes, 1 pending, 0 dead letters",
    });
    expect(await ask("store", "--store", world.directory)).toMatchObject({
      code: 1,
      result: "fail",
      detail: "holds no store",
    });
    await world.startPrincipal();
    expect(await world.api.agent("edge")).toMatchObject({ pending: 1 });
  });
});

it("warns from 14 days before a certificate ends, of the one that the principal shows as well", async () => {
  const files = await createWorld();
  const { cert, key } = makeCertificate(files.path("short"), { days: 13 });
  const short = await createWorld(["--tls-cert", cert, "--tls-key", key]);
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
