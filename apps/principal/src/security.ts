import { HawserError } from "@hawser/protocol";
import { checkListenerTls, type ListenerTls } from "@hawser/listener";
import type { Authenticate, Principal, ScreenPeer } from "@hawser/principal";
import { isLoopbackHost } from "@hawser/runtime";
import { digestOfFiles, type ReloadableFiles } from "@hawser/service";
import { agentPortsOf, type AgentPort } from "./agent-ports.js";
import { parseAgentTokens, type AgentTokens } from "./agent-tokens.js";
import { checkCredentials } from "./check-credentials.js";
import { isReadByOthers, readNamedFile } from "./named-file.js";
import { readNamedPair } from "./named-pair.js";
import type { PrincipalSettings } from "./settings.js";

export interface Security {
  /** How agents are known. Undefined: everybody who reaches the port is let in. */
  readonly credentials: { readonly screen: ScreenPeer; readonly authenticate: Authenticate } | undefined;
  readonly tls: ListenerTls | undefined;
  /** What whoever runs this should know, one sentence each. */
  readonly warnings: readonly string[];
  /** The files all of it came from, for a principal that uses it. */
  reloadable(principal: Pick<Principal, "listener" | "reauthenticate">): readonly ReloadableFiles[];
}

type SecuritySettings = Pick<
  PrincipalSettings,
  | "listen"
  | "internalListen"
  | "agentTokensFile"
  | "tlsCert"
  | "tlsKey"
  | "tlsClientCa"
  | "insecure"
  | "allowClearTextTokens"
>;

/** What `loadSecurity` would refuse, check by check. */
export function securityChecks(settings: SecuritySettings): readonly (() => unknown)[] {
  const { agentTokensFile, tlsClientCa } = settings;
  return [
    () => readTls(settings),
    () => readTokens(settings),
    () => refuseOpenPort(settings, agentTokensFile !== undefined || tlsClientCa !== undefined),
  ];
}

/**
 * Reads the files the settings name and refuses what would leave a port of agents open to everyone, or tokens readable by everyone, by mistake.
 *
 * @throws HawserError `invalid_config`
 */
export function loadSecurity(settings: SecuritySettings): Security {
  const { agentTokensFile, tlsClientCa } = settings;
  const tlsFiles = tlsFilesOf(settings);
  const tokenFiles = agentTokensFile === undefined ? [] : [agentTokensFile];
  // Before they are read: what comes after it is found when the files are watched.
  const inUse = { tls: digestOfFiles(tlsFiles), tokens: digestOfFiles(tokenFiles) };
  const tls = readTls(settings);
  const first = readTokens(settings);
  const tokens = first && { current: first };
  const credentials = checkCredentials({
    tokens: tokens && (() => tokens.current),
    certificate: tlsClientCa !== undefined,
  });
  refuseOpenPort(settings, credentials !== undefined);
  return {
    credentials,
    tls,
    warnings: warningsOf(settings, first),
    reloadable(principal) {
      const groups: ReloadableFiles[] = [];
      if (tls !== undefined)
        groups.push({
          role: "TLS of the agents' port",
          files: tlsFiles,
          inUse: inUse.tls,
          apply() {
            const fresh = readTls(settings);
            if (fresh !== undefined) principal.listener?.secure(fresh);
          },
        });
      if (tokens !== undefined)
        groups.push({
          role: "agents' tokens",
          files: tokenFiles,
          inUse: inUse.tokens,
          async apply() {
            tokens.current = readTokens(settings) ?? tokens.current;
            const ended = await principal.reauthenticate();
            return ended === 0 ? undefined : `sessions ended whose tokens count no longer: ${ended}`;
          },
        });
      return groups;
    },
  };
}

function readTls({ tlsCert, tlsKey, tlsClientCa }: SecuritySettings): ListenerTls | undefined {
  if (tlsClientCa !== undefined && tlsCert === undefined)
    throw new HawserError("invalid_config", "--tls-client-ca needs --tls-cert and --tls-key");
  const pair = readNamedPair({
    cert: { setting: "--tls-cert", path: tlsCert },
    key: { setting: "--tls-key", path: tlsKey },
  });
  if (pair === undefined) return undefined;
  const tls = { ...pair, ...(tlsClientCa === undefined ? {} : { clientCa: readAuthority(tlsClientCa) }) };
  checkListenerTls(tls);
  return tls;
}

/** Half a file would keep the whole fleet out. */
function readAuthority(path: string): string {
  const pem = readNamedFile("--tls-client-ca", path);
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new HawserError("invalid_config", `--tls-client-ca ${path} holds no certificate in PEM form`);
}

function tlsFilesOf({ tlsCert, tlsKey, tlsClientCa }: SecuritySettings): readonly string[] {
  return [tlsCert, tlsKey, tlsClientCa].filter((path) => path !== undefined);
}

function readTokens({ agentTokensFile }: SecuritySettings): AgentTokens | undefined {
  if (agentTokensFile === undefined) return undefined;
  return parseAgentTokens(readNamedFile("--agent-tokens-file", agentTokensFile), agentTokensFile);
}

function refuseOpenPort(settings: SecuritySettings, agentsAreKnown: boolean): void {
  const { insecure, allowClearTextTokens } = settings;
  for (const port of reachablePortsOf(settings)) {
    const { flag, host } = port;
    if (!agentsAreKnown && !insecure)
      throw new HawserError(
        "invalid_config",
        `${flag} ${host} can be reached from other machines and nothing tells who an agent is; give --agent-tokens-file or --tls-client-ca, or --insecure if that is wanted`,
      );
    if (readsTokensInTheClear(settings, port) && !(insecure && allowClearTextTokens))
      throw new HawserError(
        "invalid_config",
        `${flag} ${host} can be reached from other machines, and without TLS everybody on the way reads the agents' tokens; ${mendOf(port)}, or both --insecure and --allow-clear-text-tokens where something in front ends TLS or the network is private`,
      );
  }
}

function mendOf({ flag }: AgentPort): string {
  return flag === "--listen"
    ? "give --tls-cert and --tls-key"
    : "take a Unix socket or loopback, for this port has no TLS";
}

function reachablePortsOf(settings: SecuritySettings): readonly AgentPort[] {
  return agentPortsOf(settings).filter(({ host }) => !isLoopbackHost(host));
}

function readsTokensInTheClear({ agentTokensFile }: SecuritySettings, { isSecured }: AgentPort): boolean {
  return agentTokensFile !== undefined && !isSecured;
}

function warningsOf(settings: SecuritySettings, tokens: AgentTokens | undefined): readonly string[] {
  const { agentTokensFile, tlsKey } = settings;
  const warnings: string[] = [];
  const reachable = reachablePortsOf(settings);
  for (const port of reachable)
    if (readsTokensInTheClear(settings, port))
      warnings.push(`agents send their tokens to ${port.host} in clear text (--allow-clear-text-tokens)`);
  if (tokens?.hasAnyAgent === true && reachable.length > 0)
    warnings.push("a token of '*' speaks for any agent, from any machine: whoever has it may take over all");
  for (const path of [agentTokensFile, tlsKey])
    if (path !== undefined && isReadByOthers(path))
      warnings.push(`${path} holds secrets and can be read by other users; chmod 600 it`);
  return warnings;
}
