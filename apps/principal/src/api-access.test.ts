import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryLogger, type Logger } from "@hawser/runtime";
import { beforeEach, describe, expect, it } from "vitest";
import { everyProblem } from "@hawser/service";
import { apiAccessChecks, loadApiAccess } from "./api-access.js";

const TOKEN = "0123456789abcdef-of-this-test";
let folder: string;
let lines: string[];
let logger: Logger;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-api-access-"));
  lines = [];
  logger = entryLogger("info", (entry) => lines.push(JSON.stringify(entry)));
  return () => rmSync(folder, { recursive: true, force: true });
});

const checkApiAccess = (given: Parameters<typeof apiAccessChecks>[0]): void =>
  everyProblem("hawser-principal", apiAccessChecks(given));

const settings = (given: Partial<Parameters<typeof apiAccessChecks>[0]> = {}) => ({
  apiListen: { host: "127.0.0.1", port: 0 },
  apiTokenFile: undefined,
  apiTlsCert: undefined,
  apiTlsKey: undefined,
  apiOpen: false,
  insecure: false,
  allowClearTextTokens: false,
  dataDir: join(folder, "data"),
  ...given,
});

function tokenFile(content: string): string {
  const file = join(folder, "tokens");
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

describe("the token of the API", () => {
  it("is made at the first start, for its owner alone, and kept", () => {
    const { tokens, tokenFile: file = "" } = loadApiAccess(settings(), logger);
    const made = readFileSync(file, "utf8");
    expect(made).toMatch(/^[\w-]{43}\n$/);
    expect([statSync(file).mode & 0o777, statSync(join(folder, "data")).mode & 0o777]).toEqual([
      0o600, 0o700,
    ]);
    expect(tokens?.callerOf(made.trim())).toBeDefined();
    loadApiAccess(settings(), logger);
    expect(readFileSync(file, "utf8")).toBe(made);
    expect(lines.join("")).not.toContain(made.trim());
  });

  it("is not made by a check", () => {
    checkApiAccess(settings());
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  it("may be several, with names, and comments between them", () => {
    const file = tokenFile(`# who\ndeploys ${TOKEN}\n\n${TOKEN}-2\n`);
    const { tokens } = loadApiAccess(settings({ apiTokenFile: file }), logger);
    expect(tokens?.callerOf(TOKEN)?.name).toBe("deploys");
    expect(tokens?.callerOf(`${TOKEN}-2`)?.name).toMatch(/^[0-9a-f]{8}$/);
  });

  it.each([
    ["x\n", ":1: the API token has fewer than 16 characters"],
    ["# none\n", "there is no API token in it"],
    [`${"ab".repeat(20)}\n`, "different characters"],
    [`a b ${TOKEN}\n`, "a line is '<token>' or '<name> <token>'"],
    [`/ ${TOKEN}\n`, "a line is '<token>' or '<name> <token>'"],
  ])("%j is refused by a check as by the start", (content, problem) => {
    const given = settings({ apiTokenFile: tokenFile(content) });
    for (const attempt of [() => checkApiAccess(given), () => loadApiAccess(given, logger)])
      expect(attempt).toThrow(
        expect.objectContaining({ code: "invalid_config", message: expect.stringContaining(problem) }),
      );
  });

  it("is warned about when others may read it", () => {
    const file = tokenFile(`${TOKEN}\n`);
    loadApiAccess(settings({ apiTokenFile: file }), logger);
    expect(lines).toEqual([]);
    chmodSync(file, 0o644);
    loadApiAccess(settings({ apiTokenFile: file }), logger);
    expect(lines.join("")).toContain("can be read by others");
  });
});

describe("tokens in clear text beyond loopback", () => {
  const beyond = { apiListen: { host: "0.0.0.0", port: 0 } };

  it.each([{}, { insecure: true }, { allowClearTextTokens: true }])("are refused with %j", (given) => {
    expect(() => checkApiAccess(settings({ ...beyond, ...given }))).toThrow(/--api-tls-cert/);
  });

  it("are taken when that was said twice, with a warning", () => {
    loadApiAccess(settings({ ...beyond, insecure: true, allowClearTextTokens: true }), logger);
    expect(lines.join("")).toContain("in clear text");
  });

  it("are no matter with TLS, whose certificate and key have to fit", () => {
    const tls = { apiTlsCert: join(folder, "crt"), apiTlsKey: join(folder, "key") };
    expect(() => checkApiAccess(settings({ ...beyond, apiTlsCert: tls.apiTlsCert }))).toThrow(/go together/);
    expect(() => checkApiAccess(settings({ ...beyond, ...tls }))).toThrow(/--api-tls-cert: .*ENOENT/);
    writeFileSync(tls.apiTlsCert, "no certificate");
    writeFileSync(tls.apiTlsKey, "no key");
    expect(() => checkApiAccess(settings({ ...beyond, ...tls }))).toThrow(
      /--api-tls-cert .* holds no certificate in PEM form/,
    );
  });
});

describe("--api-open", () => {
  it("asks for no token, and says so", () => {
    expect(loadApiAccess(settings({ apiOpen: true }), logger).tokens).toBeUndefined();
    expect(lines.join("")).toContain("asks for no token");
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  it.each([
    { apiListen: { host: "0.0.0.0", port: 0 } },
    { apiListen: { host: "10.1.2.3", port: 0 } },
    { apiTokenFile: "tokens" },
  ])("is refused with %j", (given) => {
    expect(() => checkApiAccess(settings({ apiOpen: true, ...given }))).toThrow(/--api-open/);
  });
});
