import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@hawser/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Credentials } from "./credentials.js";
import type { AgentSettings } from "./settings.js";

let directory: string;
let tokenFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-credentials-"));
  tokenFile = join(directory, "token");
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const BASE: AgentSettings = {
  name: "a",
  url: "wss://p",
  format: "json",
  tokenFile: undefined,
  headerFile: undefined,
  proxy: undefined,
  noProxy: undefined,
  tlsCa: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  dataDir: undefined,
  window: 1,
  windowBytes: 1,
  pingInterval: 20_000,
  dialTimeout: 10_000,
  rotationMin: 1,
  rotationMax: 1,
  rotation: "break-before-make",
  reconnectMax: 1_000,
  configFileRoot: undefined,
  configFileMax: 1,
  configFileMaxBytes: 1,
  configFileMaxMode: 0o755,
  taskAllow: undefined,
  taskAllowAnyCommand: false,
  taskUser: undefined,
  taskCgroup: "off",
  taskMaxProcesses: undefined,
  taskMaxMemory: undefined,
  taskMaxCpuPercent: undefined,
  taskMaxCpuTime: undefined,
  taskOutputRate: 1_024,
  taskMaxStopGrace: 1,
  taskMax: 1,
  taskOutputLines: 1,
  stopGrace: 1,
  logLevel: "info",
  readyFile: undefined,
  check: false,
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

it("notices a token that is replaced, as secrets are, and nothing else in its directory", async () => {
  await writeFile(tokenFile, "first");
  const credentials = new Credentials({ ...BASE, tokenFile }, silentLogger);
  let changes = 0;
  let next: () => void = () => {};
  const changed = (): void => {
    changes += 1;
    next();
  };
  await credentials.watch(changed);
  for (const token of ["second", "third"]) {
    const noticed = new Promise<void>((resolve) => (next = resolve));
    for (let line = 0; line < 50; line += 1) await appendFile(join(directory, "a.log"), "line\n");
    await writeFile(join(directory, "new"), token);
    await rename(join(directory, "new"), tokenFile);
    await noticed;
  }
  credentials.unwatch();
  expect(changes).toBe(2);
});
