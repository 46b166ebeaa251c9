import { describe, expect, test } from "vitest";
import { proxyFor, proxyFromEnvironment } from "./proxy.js";

const url = "http://proxy.example:3128";

describe("what the environment says", () => {
  test.each([
    [{ HTTPS_PROXY: "http://a" }, true, "http://a"],
    [{ HTTPS_PROXY: "http://a" }, false, undefined],
    [{ HTTP_PROXY: "http://a" }, false, "http://a"],
    [{ HTTP_PROXY: "http://a" }, true, undefined],
    [{ ALL_PROXY: "http://a" }, true, "http://a"],
    [{ ALL_PROXY: "http://a", https_proxy: "http://b" }, true, "http://b"],
    [{ HTTPS_PROXY: "http://a", https_proxy: "http://b" }, true, "http://b"],
    [{ HTTPS_PROXY: "" }, true, undefined],
    [{}, false, undefined],
  ])("%j, secure %s: %s", (env, secure, expected) => {
    expect(proxyFromEnvironment(env, secure)?.url).toBe(expected);
  });

  test("NO_PROXY comes along", () => {
    expect(proxyFromEnvironment({ https_proxy: url, NO_PROXY: "a,b" }, true)).toEqual({
      url,
      exceptions: "a,b",
      from: "https_proxy",
    });
  });
});

describe("what is reached without the proxy", () => {
  test.each([
    ["localhost", "", true],
    ["agent.localhost", "", true],
    ["127.0.0.1", "", true],
    ["127.9.9.9", "", true],
    ["[::1]", "", true],
    ["principal.example", "", false],
    ["principal.example", "*", true],
    ["principal.example", "example", true],
    ["principal.example", ".example", true],
    ["principal.example", "*.example", true],
    ["principal.example", "PRINCIPAL.Example", true],
    ["principal.example.", "principal.example", true],
    ["notexample", "example", false],
    ["principal.example", "other, principal.example", true],
    ["principal.example", "other principal.example", true],
    ["principal.example", "principal.example:443", true],
    ["principal.example", "principal.example:80", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.0.0.0/8", true],
    ["10.1.2.3", "10.0.0.0/8:443", true],
    ["10.1.2.3", "10.0.0.0/8:80", false],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["10.1.2.3", "10.0.0.0/99", false],
    ["fd00::1", "fd00:0:0::1", true],
    ["[fd00::1]", "[fd00::1]:443", true],
    ["fd00::1", "fd00::/8", true],
    ["principal.example", "10.0.0.0/8", false],
  ])("%s with %j: %s", (host, exceptions, direct) => {
    expect(proxyFor(host, 443, { url, exceptions }) === undefined).toBe(direct);
  });
});

describe("the proxy", () => {
  test.each([
    ["http://proxy.example:3128", { host: "proxy.example", port: 3128, secure: false }],
    ["proxy.example:3128", { host: "proxy.example", port: 3128, secure: false }],
    ["http://proxy.example", { port: 80 }],
    ["https://proxy.example", { port: 443, secure: true }],
    ["http://[fd00::1]:3128/", { host: "fd00::1", port: 3128 }],
  ])("%s", (text, expected) => {
    expect(proxyFor("principal.example", 443, { url: text })).toMatchObject(expected);
  });

  test("user and password are taken from it, and not into the name", () => {
    const proxy = proxyFor("principal.example", 443, { url: "http://me:p%40ss@proxy.example:3128" });
    expect(proxy?.credentials).toBe("me:p@ss");
    expect(proxy?.name).toBe("http://proxy.example:3128");
  });

  test.each([
    ["http://us%er:secret@proxy:3128", "user"],
    ["http://me:secret%@proxy:3128", "password"],
    ["http://me:secret%ff@proxy:3128", "password"],
  ])("%s: the setting and the remedy are named, and no secret is", (text, what) => {
    const settings = { url: text, from: "HTTPS_PROXY" };
    expect(() => proxyFor("principal.example", 443, settings)).toThrow(
      expect.objectContaining({
        code: "invalid_config",
        message: `The ${what} in HTTPS_PROXY has a % that does not encode a character; write %25 for a percent sign.`,
      }),
    );
  });

  test.each(["socks5://proxy.example:1080", "http://", "://"])(
    "%s is refused, without its secrets",
    (text) => {
      expect(() => proxyFor("principal.example", 443, { url: text })).toThrow(
        expect.objectContaining({ code: "invalid_config" }),
      );
    },
  );
});
