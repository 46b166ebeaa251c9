import { createHash } from "node:crypto";
import { HawserError, isAgentName } from "@hawser/protocol";
import { weakTokenProblem } from "@hawser/principal-api";

/** A name for every name: a token with it speaks for any agent. */
const ANY_AGENT = "*";
const HASHED = /^sha256:([0-9a-f]{64})$/i;

/** Which names each token speaks for. No token is kept, only its SHA-256 digest. */
export class AgentTokens {
  // By digest, so that the time of a look-up neither grows with the tokens nor tells anything about one.
  readonly #names: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(names: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#names = names;
  }

  /** Whether some token speaks for any name. */
  get hasAnyAgent(): boolean {
    return [...this.#names.values()].some((names) => names.has(ANY_AGENT));
  }

  /** What this token speaks for; undefined for one that is not listed. */
  speaksFor(token: string): ((agent: string) => boolean) | undefined {
    const names = this.#names.get(digestOf(token));
    return names && ((agent) => names.has(ANY_AGENT) || names.has(agent));
  }
}

/**
 * Reads a token file: `<agent> <token>` a line, `#` begins a comment. Instead of the token its digest may stand there, as `sha256:<64 hexadecimal digits>`.
 *
 * @throws HawserError `invalid_config` naming file and line, never the token
 */
export function parseAgentTokens(content: string, file: string): AgentTokens {
  const names = new Map<string, Set<string>>();
  for (const [index, raw] of content.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const { agent, digest } = parseLine(line, `${file}:${index + 1}`);
    const known = names.get(digest) ?? new Set();
    names.set(digest, known.add(agent));
  }
  if (names.size === 0)
    throw new HawserError("invalid_config", `${file}: there is no token in it, so no agent could connect`);
  return new AgentTokens(names);
}

function parseLine(line: string, where: string): { readonly agent: string; readonly digest: string } {
  const [agent, token, ...rest] = line.split(/\s+/);
  if (agent === undefined || token === undefined || rest.length > 0)
    throw new HawserError("invalid_config", `${where}: a line is '<agent> <token>'`);
  if (agent !== ANY_AGENT && !isAgentName(agent))
    throw new HawserError("invalid_config", `${where}: ${JSON.stringify(agent)} is not an agent name`);
  const digest = HASHED.exec(token)?.[1]?.toLowerCase();
  if (digest !== undefined) return { agent, digest };
  const weakness = weakTokenProblem(token);
  if (weakness !== undefined)
    throw new HawserError("invalid_config", `${where}: the token of ${agent} ${weakness}`);
  return { agent, digest: digestOf(token) };
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
