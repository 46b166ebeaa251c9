import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { announceLocalApi } from "@hawser/service/local-api";
import { beforeEach, expect, it } from "vitest";
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

it("finds the token of a principal of this user on this machine, and sends it nowhere else", () => {
  const file = join(folder, "api-token");
  writeFileSync(file, "# made\noperators local-secret-of-a-test\n");
  const withdraw = announceLocalApi(7481, { pid: process.pid, tokenFile: file }, { XDG_STATE_HOME: folder });
  const own = { ...env, XDG_STATE_HOME: folder };
  expect(resolveServer({}, own).token).toBe("local-secret-of-a-test");
  expect(resolveServer({ server: "http://localhost:7481" }, own).token).toBe("local-secret-of-a-test");
  expect(resolveServer({ token: "given" }, own).token).toBe("given");
  for (const server of ["http://127.0.0.1:7482", "http://127.0.0.1", "http://principal.example:7481"])
    expect(resolveServer({ server }, own).token).toBeUndefined();
  withdraw();
  expect(resolveServer({}, own).token).toBeUndefined();
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
});
