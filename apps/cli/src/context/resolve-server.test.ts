import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { announceLocalApi, type LocalApiSearch } from "@hawser/service/local-api";
import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../api/http.js";
import { EXIT_CODES } from "../exit-codes.js";
import { readConfig, writeConfig } from "./config-file.js";
import { DEFAULT_SERVER, resolveServer } from "./resolve-server.js";

let folder: string;
let path: string;
let env: Record<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-config-"));
  env = { XDG_CONFIG_HOME: folder, XDG_STATE_HOME: join(folder, "state") };
  path = join(folder, "hawser", "config.yaml");
  return () => rmSync(folder, { recursive: true, force: true });
});

it("takes the flag before the environment before the context before the default", () => {
  expect(resolveServer({}, env).url).toBe(DEFAULT_SERVER);
  writeConfig(path, { current: "a", contexts: { a: { server: "http://a" }, b: { server: "http://b" } } });
  expect(resolveServer({}, env).url).toBe("http://a");
  expect(resolveServer({}, { ...env, HAWSER_CONTEXT: "b" }).url).toBe("http://b");
  const both = { ...env, HAWSER_SERVER: "http://env", HAWSER_CONTEXT: "b" };
  expect(resolveServer({}, both).url).toBe("http://env");
  expect(resolveServer({ context: "b" }, both).url).toBe("http://b");
  expect(resolveServer({ context: "b", server: "http://flag" }, both).url).toBe("http://flag");
});

it("gives the token of a context to its server alone", () => {
  const file = join(folder, "token");
  writeFileSync(file, "secret\n");
  writeConfig(path, { current: "a", contexts: { a: { server: "http://a", tokenFile: file } } });
  expect(resolveServer({}, env).token).toBe("secret");
  expect(resolveServer({ server: "http://elsewhere" }, env).token).toBeUndefined();
  expect(resolveServer({}, { ...env, HAWSER_TOKEN: "other" }).token).toBe("other");
});

it("names the contexts there are when one is not there", () => {
  writeConfig(path, { contexts: { a: { server: "http://a" } } });
  expect(() => resolveServer({ context: "z" }, env)).toThrow(/no context z .*there are: a.*context set z/);
});

it("writes for its owner alone, and says what is wrong with a file", () => {
  writeConfig(path, { contexts: {} });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, "contexts: { a: { server: 1 } }");
  expect(() => readConfig(path)).toThrow(/config\.yaml: contexts\.a\.server/);
});

describe("the token of a principal of this user on this machine", () => {
  let own: Record<string, string>;
  let token: string;
  let port: number;
  let listening: Server;
  let withdraw: () => void;

  beforeEach(async () => {
    token = join(folder, "api-token");
    writeFileSync(token, "# made\noperators local-secret-of-a-test\n");
    own = { ...env, XDG_STATE_HOME: folder };
    listening = createServer().listen(0, "127.0.0.1");
    await once(listening, "listening");
    ({ port } = listening.address() as AddressInfo);
    withdraw = announceLocalApi({ host: "127.0.0.1", port, pid: process.pid, tokenFile: token }, own);
    return () => {
      listening.closeAllConnections();
      listening.close();
    };
  });

  const tokenFor = (server: string): string | undefined => resolveServer({ server }, own).token;

  it("is found, and sent nowhere else", () => {
    expect(tokenFor(`http://127.0.0.1:${port}`)).toBe("local-secret-of-a-test");
    expect(tokenFor(`http://localhost:${port}`)).toBe("local-secret-of-a-test");
    expect(resolveServer({ server: `http://127.0.0.1:${port}`, token: "given" }, own).token).toBe("given");
    const others = [
      `http://127.0.0.1:${port === 7482 ? 7483 : 7482}`,
      "http://127.0.0.1",
      `http://[::1]:${port}`,
      `http://a.localhost:${port}`,
    ];
    for (const other of [...others, `http://principal.example:${port}`])
      expect(tokenFor(other)).toBeUndefined();
    withdraw();
    expect(tokenFor(`http://127.0.0.1:${port}`)).toBeUndefined();
  });

  it("is not sent to loopback for a principal that is bound elsewhere", () => {
    withdraw();
    announceLocalApi({ host: "10.0.0.5", port, pid: process.pid, tokenFile: token }, own);
    for (const host of ["127.0.0.1", "localhost", "[::1]"])
      expect(tokenFor(`http://${host}:${port}`)).toBeUndefined();
  });

  it("is not taken from the working directory, where no principal says that it lives", () => {
    withdraw();
    const before = process.cwd();
    mkdirSync(join(folder, ".hawser", "principal"), { recursive: true });
    writeFileSync(join(folder, ".hawser", "principal", "api-token"), "secret-of-the-working-directory\n");
    process.chdir(folder);
    try {
      expect(resolveServer({}, own).token).toBeUndefined();
    } finally {
      process.chdir(before);
    }
  });

  it("is not sent to whoever listens there when the principal has ended, by a command that goes on", async () => {
    const server = resolveServer({ server: `http://127.0.0.1:${port}` }, own);
    const { signal } = new AbortController();
    const heard: (string | undefined)[] = [];
    listening.on("request", ({ headers }, response) => {
      heard.push(headers.authorization);
      response.end("{}");
    });
    await send(server, "/v1/info", { signal });
    expect(heard).toEqual(["Bearer local-secret-of-a-test"]);
    withdraw();
    await expect(send(server, "/v1/info", { signal })).rejects.toMatchObject({
      exitCode: EXIT_CODES.unreachable,
      message: expect.stringContaining("your principal there has ended"),
    });
    announceLocalApi({ host: "127.0.0.1", port, pid: process.pid, tokenFile: token }, own);
    await send(server, "/v1/info", { signal });
    expect(heard).toHaveLength(2);
  });

  it("is refused with a word where another user listens", () => {
    const foreign = (): LocalApiSearch => ({ kind: "foreign", uid: 4711 });
    expect(() => resolveServer({ server: `http://127.0.0.1:${port}` }, own, foreign)).toThrow(
      /another user \(uid 4711\) listens at 127\.0\.0\.1:\d+.*--token-file/,
    );
    const told = resolveServer({ server: `http://127.0.0.1:${port}`, token: "given" }, own, foreign);
    expect(told.token).toBe("given");
  });
});

it("leaves by the proxy of the flags, else of the environment, and never to this machine", () => {
  const server = "https://principal.example:7481";
  const named = (flags: object, more: Record<string, string> = {}): string | undefined =>
    resolveServer({ server, ...flags }, { ...env, ...more }).route?.proxy;
  expect(named({})).toBeUndefined();
  expect(named({}, { HTTPS_PROXY: "http://me:secret@env.example:1" })).toBe("http://env.example:1");
  expect(named({}, { HTTP_PROXY: "http://env.example:1" })).toBeUndefined();
  expect(named({}, { all_proxy: "env.example:1" })).toBe("http://env.example:1");
  const both = { HTTPS_PROXY: "http://env.example:1", NO_PROXY: ".example" };
  expect(named({}, both)).toBeUndefined();
  expect(named({ noProxy: "other.example" }, both)).toBe("http://env.example:1");
  expect(named({ proxy: "http://flag.example:2", noProxy: "" }, both)).toBe("http://flag.example:2");
  expect(named({ proxy: "none" }, both)).toBeUndefined();
  expect(named({ server: "https://localhost:1", proxy: "http://flag.example:2" })).toBeUndefined();
  expect(() => named({ proxy: "socks5://a:1" })).toThrow(/--proxy.*write http:/);
  expect(() => named({}, { HTTPS_PROXY: "http://me:p%w@a:1" })).toThrow(/in HTTPS_PROXY .*write %25/);
});
