import { timingSafeEqual, createHash } from "node:crypto";
import { HawserError, isAgentName } from "@hawser/protocol";
import type { Authenticate } from "@hawser/principal";

interface TokenEntry {
  readonly agent: string;
  readonly digest: Buffer;
}

/** Shorter ones can be guessed over a network. */
const MIN_TOKEN_LENGTH = 16;

/**
 * Reads a token file: `<agent> <token>` a line, `#` begins a comment.
 *
 * @throws HawserError `invalid_config` naming file and line, never the token
 */
export function parseAgentTokens(content: string, file: string): readonly TokenEntry[] {
  const entries: TokenEntry[] = [];
  for (const [index, raw] of content.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [agent, token, ...rest] = line.split(/\s+/);
    const where = `${file}:${index + 1}`;
    if (agent === undefined || token === undefined || rest.length > 0) {
      throw new HawserError("invalid_config", `${where}: a line is '<agent> <token>'`);
    }
    if (agent !== "*" && !isAgentName(agent))
      throw new HawserError("invalid_config", `${where}: ${JSON.stringify(agent)} is not an agent name`);
    if (token.length < MIN_TOKEN_LENGTH) {
      throw new HawserError(
        "invalid_config",
        `${where}: the token of ${agent} has fewer than ${MIN_TOKEN_LENGTH} characters`,
      );
    }
    entries.push({ agent, digest: digestOf(token) });
  }
  if (entries.length === 0)
    throw new HawserError("invalid_config", `${file}: there is no token in it, so no agent could connect`);
  return entries;
}

/** Lets an agent in when its bearer token is listed for its name. Compares digests, so that time tells nothing about a token. */
export function authenticateByToken(entries: readonly TokenEntry[]): Authenticate {
  return (peer, hello) => {
    const token = /^Bearer (\S+)$/i.exec(peer.authorization ?? "")?.[1];
    if (token === undefined) {
      return {
        ok: false,
        error: new HawserError("unauthenticated", "no bearer token was sent; configure the agent's token", {
          agent: hello.agent,
        }),
      };
    }
    const digest = digestOf(token);
    const known = entries.filter((entry) => timingSafeEqual(entry.digest, digest));
    if (known.length === 0) {
      return {
        ok: false,
        error: new HawserError("unauthenticated", "the token is not known here", { agent: hello.agent }),
      };
    }
    if (known.some(({ agent }) => agent === "*" || agent === hello.agent)) return { ok: true };
    return {
      ok: false,
      error: new HawserError("forbidden", `the token does not belong to ${hello.agent}`, {
        agent: hello.agent,
      }),
    };
  };
}

/** Lets an agent in when the common name of its certificate is its name. */
export const authenticateByCertificate: Authenticate = (peer, hello) => {
  if (peer.certificateName === hello.agent) return { ok: true };
  const found =
    peer.certificateName === undefined
      ? "no client certificate"
      : `a certificate for ${peer.certificateName}`;
  return {
    ok: false,
    error: new HawserError("forbidden", `${hello.agent} came with ${found}`, { agent: hello.agent }),
  };
};

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
