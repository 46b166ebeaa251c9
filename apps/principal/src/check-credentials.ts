import { HawserError } from "@hawser/protocol";
import type { Authenticate, Screening, ScreenPeer } from "@hawser/principal";
import type { PeerInfo } from "@hawser/transport";
import type { AgentTokens } from "./agent-tokens.js";

/** What an agent has to show; with both, both, and each for its name. */
export interface WantedCredentials {
  /** Asked at each look-up, because they may be replaced at any time. Undefined: no token is wanted. */
  readonly tokens: (() => AgentTokens) | undefined;
  readonly certificate: boolean;
}

/** Whether one thing that was shown speaks for this agent: undefined, or why not. */
type Claim = (agent: string) => HawserError | undefined;

/** How agents are known here. Undefined where nothing is wanted of them. */
export function checkCredentials(
  wanted: WantedCredentials,
): { readonly screen: ScreenPeer; readonly authenticate: Authenticate } | undefined {
  const { tokens, certificate } = wanted;
  if (tokens === undefined && !certificate) return undefined;
  const claimsOf = (peer: PeerInfo): readonly (Claim | HawserError)[] => [
    ...(certificate ? [certificateClaim(peer)] : []),
    ...(tokens === undefined ? [] : [tokenClaim(peer, tokens())]),
  ];
  return {
    screen: (peer): Screening => {
      const error = claimsOf(peer).find((claim) => claim instanceof HawserError);
      return error === undefined ? { kind: "known" } : { kind: "refused", error };
    },
    authenticate: (peer, { agent }) => {
      for (const claim of claimsOf(peer)) {
        const error = claim instanceof HawserError ? claim : claim(agent);
        if (error !== undefined)
          return { ok: false, error: new HawserError(error.code, error.message, { agent }) };
      }
      return { ok: true };
    },
  };
}

function certificateClaim({ certificate }: PeerInfo): Claim | HawserError {
  if (certificate === undefined)
    return new HawserError("unauthenticated", "no client certificate was shown; configure the agent's");
  if (certificate.kind === "unusable") return new HawserError("forbidden", certificate.problem);
  const { names } = certificate;
  if (names.length === 0) return new HawserError("forbidden", "the certificate names no agent");
  return (agent) =>
    names.includes(agent)
      ? undefined
      : new HawserError("forbidden", `${agent} came with a certificate for ${names.join(", ")}`);
}

function tokenClaim({ authorization }: PeerInfo, tokens: AgentTokens): Claim | HawserError {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined)
    return new HawserError("unauthenticated", "no bearer token was sent; configure the agent's token");
  const speaksFor = tokens.speaksFor(token);
  if (speaksFor === undefined) return new HawserError("unauthenticated", "the token is not known here");
  return (agent) =>
    speaksFor(agent) ? undefined : new HawserError("forbidden", `the token does not belong to ${agent}`);
}
