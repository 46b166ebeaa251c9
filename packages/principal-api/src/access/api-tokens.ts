import { HawserError } from "@hawser/protocol";
import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";

/** A bearer token of the API. */
export interface ApiToken {
  readonly token: string;
  /** Who shows it, for the log. @default the first 8 hexadecimal digits of its SHA-256 */
  readonly name?: string;
}

/** Who shows a token that is known. */
export interface ApiCaller {
  /** Name or fingerprint, never the token. */
  readonly name: string;
  /** Aborted once the token counts no longer: what was opened with it is to end. */
  readonly removed: AbortSignal;
}

/** With fewer characters a token can be guessed over a network. */
const MIN_TOKEN_LENGTH = 16;
/** With fewer different characters it was typed and not drawn. */
const MIN_DIFFERENT_CHARACTERS = 6;

/** What is wrong with a token, in words that do not repeat it; undefined when it will do. */
export function weakTokenProblem(token: string): string | undefined {
  if (!/^[\u0021-\u007e]+$/.test(token)) return "is not printable ASCII without spaces";
  if (token.length < MIN_TOKEN_LENGTH) return `has fewer than ${MIN_TOKEN_LENGTH} characters`;
  if (new Set(token).size < MIN_DIFFERENT_CHARACTERS)
    return `has fewer than ${MIN_DIFFERENT_CHARACTERS} different characters; draw one: openssl rand -hex 24`;
  return undefined;
}

interface KnownToken {
  readonly name: string;
  readonly removal: AbortController;
}

/**
 * The bearer tokens of an API, which may be replaced while it serves: requests with one that is gone are refused from then on, and its streams end.
 *
 * Tokens are kept and looked up by their SHA-256, so neither the memory nor the time a look-up takes tells anything of them.
 */
export class ApiTokens {
  #known: ReadonlyMap<string, KnownToken> = new Map();

  /** @throws HawserError `invalid_config` as `replace` */
  constructor(tokens: readonly ApiToken[]) {
    this.replace(tokens);
  }

  /**
   * From now on these count, and no others. The old ones stay when the new ones are refused.
   *
   * @throws HawserError `invalid_config` for none at all, or for one that is weak (see `weakTokenProblem`)
   */
  replace(tokens: readonly ApiToken[]): void {
    if (tokens.length === 0) throw new HawserError("invalid_config", "there is no API token");
    const next = new Map<string, KnownToken>();
    for (const { token, name } of tokens) {
      const problem = weakTokenProblem(token);
      if (problem !== undefined) throw new HawserError("invalid_config", `the API token ${problem}`);
      const digest = digestOf(token);
      const removal = this.#known.get(digest)?.removal ?? newRemoval();
      next.set(digest, { name: name ?? fingerprintOf(digest), removal });
    }
    const before = this.#known;
    this.#known = next;
    for (const [digest, { removal }] of before) if (!next.has(digest)) removal.abort();
  }

  /** Undefined for a token that does not count. */
  callerOf(token: string): ApiCaller | undefined {
    const known = this.#known.get(digestOf(token));
    return known === undefined ? undefined : { name: known.name, removed: known.removal.signal };
  }
}

/** One token as a text counts as the only one. @throws HawserError `invalid_config` as `ApiTokens` */
export function tokensOf(given: string | ApiTokens | undefined): ApiTokens | undefined {
  return typeof given === "string" ? new ApiTokens([{ token: given }]) : given;
}

function newRemoval(): AbortController {
  const removal = new AbortController();
  // One listener for each stream, of which there may be more than the ten that Node warns of.
  setMaxListeners(0, removal.signal);
  return removal;
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function fingerprintOf(digest: string): string {
  return digest.slice(0, 8);
}
