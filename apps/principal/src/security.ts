import { HawserError } from "@hawser/protocol";
import type { Authenticate, ListenerTls, ScreenPeer } from "@hawser/principal";
import { parseAgentTokens } from "./agent-tokens.js";
import { checkCredentials } from "./check-credentials.js";
import { readNamedFile } from "./named-file.js";
import type { PrincipalSettings } from "./settings.js";

export interface Security {
  readonly credentials: { readonly screen: ScreenPeer; readonly authenticate: Authenticate } | undefined;
  readonly tls: ListenerTls | undefined;
}

const LOOPBACK = /^(127(\.\d+){3}|::1|localhost)$/;

/**
 * Reads the files the settings name and refuses what would leave the agents' port open to everyone by mistake.
 *
 * @throws HawserError `invalid_config`
 */
export function loadSecurity(settings: PrincipalSettings): Security {
  const { tlsCert, tlsKey, tlsClientCa, agentTokensFile } = settings;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new HawserError("invalid_config", "--tls-cert and --tls-key go together; one of them is missing");
  }
  if (tlsClientCa !== undefined && tlsCert === undefined) {
    throw new HawserError("invalid_config", "--tls-client-ca needs --tls-cert and --tls-key");
  }
  const tls =
    tlsCert === undefined || tlsKey === undefined
      ? undefined
      : {
          cert: readNamedFile("--tls-cert", tlsCert),
          key: readNamedFile("--tls-key", tlsKey),
          ...(tlsClientCa === undefined ? {} : { clientCa: readNamedFile("--tls-client-ca", tlsClientCa) }),
        };
  const byToken =
    agentTokensFile === undefined
      ? undefined
      : parseAgentTokens(readNamedFile("--agent-tokens-file", agentTokensFile), agentTokensFile);
  const byCertificate = tlsClientCa !== undefined;
  refuseOpenPort(settings, byToken !== undefined || byCertificate);
  return {
    credentials: checkCredentials({
      tokens: byToken === undefined ? undefined : () => byToken,
      certificate: byCertificate,
    }),
    tls,
  };
}

function refuseOpenPort(settings: PrincipalSettings, agentsAreKnown: boolean): void {
  if (settings.insecure) return;
  const { listen } = settings;
  if (!LOOPBACK.test(listen.host) && !agentsAreKnown) {
    throw new HawserError(
      "invalid_config",
      `--listen ${listen.host} can be reached from other machines and nothing tells who an agent is; give --agent-tokens-file or --tls-client-ca, or --insecure if that is wanted`,
    );
  }
}
