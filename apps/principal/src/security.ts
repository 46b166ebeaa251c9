import { readFileSync } from "node:fs";
import { HawserError } from "@hawser/protocol";
import type { Authenticate, ListenerTls, ScreenPeer } from "@hawser/principal";
import { parseAgentTokens } from "./agent-tokens.js";
import { checkCredentials } from "./check-credentials.js";
import type { PrincipalSettings } from "./settings.js";

export interface Security {
  readonly credentials: { readonly screen: ScreenPeer; readonly authenticate: Authenticate } | undefined;
  readonly tls: ListenerTls | undefined;
  readonly apiToken: string | undefined;
}

const LOOPBACK = /^(127(\.\d+){3}|::1|localhost)$/;

/**
 * Reads the files the settings name and refuses what would leave a port open to everyone by mistake.
 *
 * @throws HawserError `invalid_config`
 */
export function loadSecurity(settings: PrincipalSettings): Security {
  const { tlsCert, tlsKey, tlsClientCa, agentTokensFile, apiTokenFile } = settings;
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
          cert: read("--tls-cert", tlsCert),
          key: read("--tls-key", tlsKey),
          ...(tlsClientCa === undefined ? {} : { clientCa: read("--tls-client-ca", tlsClientCa) }),
        };
  const byToken =
    agentTokensFile === undefined
      ? undefined
      : parseAgentTokens(read("--agent-tokens-file", agentTokensFile), agentTokensFile);
  const byCertificate = tlsClientCa !== undefined;
  refuseOpenPorts(settings, byToken !== undefined || byCertificate);
  return {
    credentials: checkCredentials({
      tokens: byToken === undefined ? undefined : () => byToken,
      certificate: byCertificate,
    }),
    tls,
    apiToken: apiTokenFile === undefined ? undefined : read("--api-token-file", apiTokenFile).trim(),
  };
}

function refuseOpenPorts(settings: PrincipalSettings, agentsAreKnown: boolean): void {
  if (settings.insecure) return;
  const { listen, apiListen, apiTokenFile } = settings;
  if (!LOOPBACK.test(listen.host) && !agentsAreKnown) {
    throw new HawserError(
      "invalid_config",
      `--listen ${listen.host} can be reached from other machines and nothing tells who an agent is; give --agent-tokens-file or --tls-client-ca, or --insecure if that is wanted`,
    );
  }
  if (!LOOPBACK.test(apiListen.host) && apiTokenFile === undefined) {
    throw new HawserError(
      "invalid_config",
      `--api-listen ${apiListen.host} can be reached from other machines without a token; give --api-token-file, or --insecure if that is wanted`,
    );
  }
}

function read(setting: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new HawserError("invalid_config", `${setting}: the file cannot be read: ${reason}`, {
      cause: thrown,
    });
  }
}
