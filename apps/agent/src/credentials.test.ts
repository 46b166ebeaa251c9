import { execFileSync } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@hawser/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Credentials } from "./credentials.js";

let directory: string;
let tokenFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-credentials-"));
  tokenFile = join(directory, "token");
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const BASE = {
  tokenFile: undefined,
  headerFile: undefined,
  tlsCa: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
};

it("reads the token anew each time, without what surrounds it", async () => {
  const credentials = new Credentials({ ...BASE, tokenFile }, silentLogger);
  await writeFile(tokenFile, "  first\n");
  expect(await credentials.authorization()).toBe("Bearer first");
  await writeFile(tokenFile, "second");
  expect(await credentials.authorization()).toBe("Bearer second");
});

it("has no authorization without a token file", async () => {
  expect(await new Credentials(BASE, silentLogger).authorization()).toBeUndefined();
});

it.each(["", "two tokens", "line\nline", "ümlaut"])(
  "refuses %j as a token, and never shows it",
  async (content) => {
    await writeFile(tokenFile, content);
    const refused = new Credentials({ ...BASE, tokenFile }, silentLogger).authorization();
    await expect(refused).rejects.toMatchObject({
      code: "connection_failed",
      message: expect.stringContaining(tokenFile),
    });
    if (content !== "") await expect(refused).rejects.not.toThrow(content);
  },
);

it("names the file that cannot be read", async () => {
  const credentials = new Credentials({ ...BASE, tokenFile, tlsCa: join(directory, "ca") }, silentLogger);
  await expect(credentials.authorization()).rejects.toThrow(`--token-file ${tokenFile} cannot be read`);
  await expect(credentials.tls()).rejects.toThrow("--tls-ca");
});

it("says when a token that can be used has come, and when one has come that cannot", async () => {
  await writeFile(tokenFile, "first");
  let changes = 0;
  const [group] = new Credentials({ ...BASE, tokenFile }, silentLogger).reloadable(() => (changes += 1));
  expect(group).toMatchObject({ role: "token", files: [tokenFile] });
  await writeFile(tokenFile, "second");
  await group?.apply();
  await writeFile(tokenFile, "two tokens");
  await expect(group?.apply()).rejects.toThrow("does not hold one token on one line");
  expect(changes).toBe(1);
});

it("goes on with the pair it has while a new one does not fit", async () => {
  const [one, other] = [join(directory, "one"), join(directory, "other")];
  for (const path of [one, other])
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-subj",
        "/CN=a",
      ].concat(["-keyout", `${path}.key`, "-out", `${path}.pem`]),
      { stdio: "ignore" },
    );
  const files = { tlsCert: join(directory, "cert"), tlsKey: join(directory, "key") };
  const credentials = new Credentials({ ...BASE, ...files }, silentLogger);
  await copyFile(`${one}.pem`, files.tlsCert);
  await copyFile(`${other}.key`, files.tlsKey);
  await expect(credentials.tls()).rejects.toThrow("--tls-key is not the key of --tls-cert");
  await copyFile(`${one}.key`, files.tlsKey);
  const first = await credentials.tls();
  await copyFile(`${other}.pem`, files.tlsCert);
  expect(await credentials.tls()).toEqual(first);
  await copyFile(`${other}.key`, files.tlsKey);
  expect(await credentials.tls()).not.toEqual(first);
});
