import { createHash } from "node:crypto";
import type { Screening } from "@hawser/principal";
import type { ClientCertificate, PeerInfo } from "@hawser/transport";
import { describe, expect, it } from "vitest";
import { parseAgentTokens } from "./agent-tokens.js";
import { checkCredentials, type WantedCredentials } from "./check-credentials.js";

const TOKEN_A = "token-of-edge-a-0123456789";
const TOKEN_ANY = "token-of-anybody-987654321";
const HASHED_B = "token-of-edge-b-0123456789";
const hash = createHash("sha256").update(HASHED_B).digest("hex");
const file = `# comment\nedge-a ${TOKEN_A}\nedge-b sha256:${hash}\n* ${TOKEN_ANY}\n`;
const tokens = () => parseAgentTokens(file, "tokens");
const usable = (...names: string[]): ClientCertificate => ({ kind: "usable", names });

function screenedCode(screening: Screening | undefined): string | undefined {
  return screening?.kind === "refused" ? screening.error.code : undefined;
}

function outcome(wanted: WantedCredentials, shown: Partial<PeerInfo>, agent = "edge-a") {
  const peer = { address: "192.0.2.1:1", ...shown };
  const credentials = checkCredentials(wanted);
  const screened = screenedCode(credentials?.screen(peer));
  const result = credentials?.authenticate(peer, { agent } as Parameters<typeof credentials.authenticate>[1]);
  const error = result !== undefined && "ok" in result && !result.ok ? result.error : undefined;
  return { screened, refused: error?.code, message: error?.message };
}

describe("tokens", () => {
  const wanted = { tokens, certificate: false };
  it.each([
    [`Bearer ${TOKEN_A}`, "edge-a"],
    [`bearer ${HASHED_B}`, "edge-b"],
    [`Bearer ${TOKEN_ANY}`, "edge-z"],
  ])("%s is that of %s", (authorization, agent) => {
    expect(outcome(wanted, { authorization }, agent)).toMatchObject({
      screened: undefined,
      refused: undefined,
    });
  });

  it.each([
    undefined,
    "Bearer",
    "Basic abc",
    "Bearer unknown-token-0123456",
    `Bearer sha256:${hash}`,
    `Bearer ${hash}`,
  ])("%s is refused by the headers alone", (authorization) => {
    expect(outcome(wanted, authorization === undefined ? {} : { authorization })).toMatchObject({
      screened: "unauthenticated",
      refused: "unauthenticated",
    });
  });

  it("of another agent is forbidden, once the name is known", () => {
    expect(outcome(wanted, { authorization: `Bearer ${TOKEN_A}` }, "edge-b")).toMatchObject({
      screened: undefined,
      refused: "forbidden",
    });
  });

  it("that are replaced count from the next look-up on", () => {
    let current = tokens();
    const changing = { tokens: () => current, certificate: false };
    const shown = { authorization: `Bearer ${TOKEN_A}` };
    expect(outcome(changing, shown).refused).toBeUndefined();
    current = parseAgentTokens(`edge-a ${TOKEN_ANY}`, "tokens");
    expect(outcome(changing, shown)).toMatchObject({
      screened: "unauthenticated",
      refused: "unauthenticated",
    });
  });
});

describe("certificates", () => {
  const wanted = { tokens: undefined, certificate: true };
  it.each([
    [usable("edge-0", "edge-a"), undefined, undefined],
    [usable("edge-b"), undefined, "forbidden"],
    [usable(), "forbidden", "forbidden"],
    [{ kind: "unusable", problem: "a short key" } as const, "forbidden", "forbidden"],
  ])("%j: screened %s, refused %s", (certificate, screened, refused) => {
    expect(outcome(wanted, { certificate })).toMatchObject({ screened, refused });
  });

  it("that are missing are unauthenticated", () => {
    expect(outcome(wanted, {})).toMatchObject({ screened: "unauthenticated", refused: "unauthenticated" });
  });
});

describe("a certificate and a token", () => {
  const wanted = { tokens, certificate: true };
  const authorization = `Bearer ${TOKEN_A}`;

  it("are both needed, and both for this name", () => {
    expect(outcome(wanted, { authorization, certificate: usable("edge-a") }).refused).toBeUndefined();
    expect(outcome(wanted, { authorization, certificate: usable("edge-b") })).toMatchObject({
      refused: "forbidden",
      message: "edge-a came with a certificate for edge-b",
    });
    expect(outcome(wanted, { authorization, certificate: usable("edge-b") }, "edge-b")).toMatchObject({
      refused: "forbidden",
      message: "the token does not belong to edge-b",
    });
    expect(outcome(wanted, { certificate: usable("edge-a") }).screened).toBe("unauthenticated");
    expect(outcome(wanted, { authorization }).screened).toBe("unauthenticated");
  });
});

it("wants nothing where nothing is configured", () => {
  expect(checkCredentials({ tokens: undefined, certificate: false })).toBeUndefined();
});

describe("a token file", () => {
  it.each([
    ["edge-a", "a line is '<agent> <token>'"],
    ["Edge_A 0123456789abcdef", '"Edge_A" is not an agent name'],
    ["edge-a short-token", "the token of edge-a has fewer than 16 characters"],
    ["edge-a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "the token of edge-a has fewer than 6 different characters"],
  ])("with the line %j is refused, without the token in the message", (line, message) => {
    expect(() => parseAgentTokens(`\n${line}\n`, "file")).toThrow(`file:2: ${message}`);
  });

  it("without any token is refused", () => {
    expect(() => parseAgentTokens("# nothing\n", "file")).toThrow("there is no token in it");
  });
});

it("a look-up does not grow with the tokens", () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `edge-${index} token-number-${index}-abcdef`);
  const many = parseAgentTokens(lines.join("\n"), "tokens");
  expect(many.speaksFor("token-number-19999-abcdef")?.("edge-19999")).toBe(true);
  expect(many.speaksFor("token-number-20000-abcdef")).toBeUndefined();
});
