import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { loadSecurity } from "./security.js";

const OPEN = { host: "192.0.2.2", port: 0 };
let folder: string;
let tokens: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hawser-security-"));
  tokens = join(folder, "tokens");
  writeFileSync(tokens, "edge-1 0123456789abcdef-of-this-test\n", { mode: 0o600 });
  return () => rmSync(folder, { recursive: true, force: true });
});

const settings = (given: Partial<Parameters<typeof loadSecurity>[0]> = {}) => ({
  listen: { host: "127.0.0.1", port: 0 },
  internalListen: undefined,
  agentTokensFile: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  tlsClientCa: undefined,
  insecure: false,
  allowClearTextTokens: false,
  ...given,
});

describe.each([
  ["--listen", { listen: OPEN }],
  ["--internal-listen", { internalListen: OPEN }],
])("%s beyond loopback", (flag, port) => {
  const refusal = (given: Partial<Parameters<typeof loadSecurity>[0]>): string => {
    try {
      loadSecurity(settings({ ...port, ...given }));
      return "none";
    } catch (thrown) {
      return String(thrown);
    }
  };

  it("is refused where nothing tells who an agent is, unless that is wanted", () => {
    expect(refusal({})).toMatch(new RegExp(`${flag} 192\\.0\\.2\\.2 .*nothing tells who an agent is`));
    expect(refusal({ insecure: true })).toBe("none");
  });

  it("is refused where tokens could be read on the way, unless that is said twice", () => {
    expect(refusal({ agentTokensFile: tokens })).toMatch(
      new RegExp(`${flag} 192\\.0\\.2\\.2 .*reads the agents' tokens`),
    );
    for (const once of [{ insecure: true }, { allowClearTextTokens: true }])
      expect(refusal({ agentTokensFile: tokens, ...once })).toContain("reads the agents' tokens");
    const twice = { ...port, agentTokensFile: tokens, insecure: true, allowClearTextTokens: true };
    expect(loadSecurity(settings(twice)).warnings).toEqual([
      "agents send their tokens to 192.0.2.2 in clear text (--allow-clear-text-tokens)",
    ]);
  });
});

it("asks nothing of loopback and of a Unix socket", () => {
  for (const internalListen of [undefined, { host: "127.0.0.1", port: 0 }, { path: "/run/internal.sock" }])
    expect(loadSecurity(settings({ internalListen, agentTokensFile: tokens })).warnings).toEqual([]);
});
