import { HawserError } from "@hawser/protocol";
import {
  checkListenerTls,
  type Authenticate,
  type ListenerTls,
  type Principal,
  type ScreenPeer,
} from "@hawser/principal";
import { isLoopbackHost, type Logger } from "@hawser/runtime";
import type { ReloadableFiles } from "@hawser/service";
import { parseAgentTokens, type AgentTokens } from "./agent-tokens.js";
import { checkCredentials } from "./check-credentials.js";
import { isReadByOthers, readNamedFile } from "./named-file.js";
import type { PrincipalSettings } from "./settings.js";

export interface Security {
  /** How agents are known. Undefined: everybody who reaches the port is let in. */
  readonly credentials: { readonly screen: ScreenPeer; readonly authenticate: Authenticate } | undefined;
  readonly tls: ListenerTls | undefined;
  /** What whoever runs this should know, one sentence each. */
  readonly warnings: readonly string[];
  /** The files all of it came from, for a principal that uses it. */
  reloadable(
    principal: Pick<Principal, "listener" | "reauthenticate">,
    logger: Logger,
  ): readonly ReloadableFiles[];
}

/**
 * Reads the files the settings name and refuses what would leave the agents' port open to everyone, or tokens readable by everyone, by mistake.
 *
 * @throws HawserError `invalid_config`
 */
export function loadSecurity(settings: PrincipalSettings): Security {
  const { agentTokensFile, tlsClientCa } = settings;
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
    reloadable(principal, logger) {
      const groups: ReloadableFiles[] = [];
      if (tls !== undefined)
        groups.push({
          role: "TLS of the agents' port",
          files: tlsFilesOf(settings),
          apply() {
            const fresh = readTls(settings);
            if (fresh !== undefined) principal.listener?.secure(fresh);
          },
        });
      if (agentTokensFile !== undefined && tokens !== undefined)
        groups.push({
          role: "agents' tokens",
          files: [agentTokensFile],
          apply() {
            tokens.current = readTokens(settings) ?? tokens.current;
            void principal
              .reauthenticate()
              .then((sessions) => logger.info({ sessions }, "sessions ended whose tokens count no longer"));
          },
        });
      return groups;
    },
  };
}

function readTls({ tlsCert, tlsKey, tlsClientCa }: PrincipalSettings): ListenerTls | undefined {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new HawserError("invalid_config", "--tls-cert and --tls-key go together; one of them is missing");
  if (tlsClientCa !== undefined && tlsCert === undefined)
    throw new HawserError("invalid_config", "--tls-client-ca needs --tls-cert and --tls-key");
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const tls = {
    cert: readNamedFile("--tls-cert", tlsCert),
    key: readNamedFile("--tls-key", tlsKey),
    ...(tlsClientCa === undefined ? {} : { clientCa: readNamedFile("--tls-client-ca", tlsClientCa) }),
  };
  checkListenerTls(tls);
  return tls;
}

function tlsFilesOf({ tlsCert, tlsKey, tlsClientCa }: PrincipalSettings): readonly string[] {
  return [tlsCert, tlsKey, tlsClientCa].filter((path) => path !== undefined);
}

function readTokens({ agentTokensFile }: PrincipalSettings): AgentTokens | undefined {
  if (agentTokensFile === undefined) return undefined;
  return parseAgentTokens(readNamedFile("--agent-tokens-file", agentTokensFile), agentTokensFile);
}

function refuseOpenPort(settings: PrincipalSettings, agentsAreKnown: boolean): void {
  const { listen, insecure, allowClearTextTokens } = settings;
  if (isLoopbackHost(listen.host)) return;
  if (!agentsAreKnown && !insecure)
    throw new HawserError(
      "invalid_config",
      `--listen ${listen.host} can be reached from other machines and nothing tells who an agent is; give --agent-tokens-file or --tls-client-ca, or --insecure if that is wanted`,
    );
  if (sendsTokensInTheClear(settings) && !(insecure && allowClearTextTokens))
    throw new HawserError(
      "invalid_config",
      `--listen ${listen.host} can be reached from other machines, and without TLS everybody on the way reads the agents' tokens; give --tls-cert and --tls-key, or both --insecure and --allow-clear-text-tokens where something in front ends TLS or the network is private`,
    );
}

function sendsTokensInTheClear({ listen, agentTokensFile, tlsCert }: PrincipalSettings): boolean {
  return !isLoopbackHost(listen.host) && agentTokensFile !== undefined && tlsCert === undefined;
}

function warningsOf(settings: PrincipalSettings, tokens: AgentTokens | undefined): readonly string[] {
  const { listen, agentTokensFile, tlsKey } = settings;
  const warnings: string[] = [];
  if (sendsTokensInTheClear(settings))
    warnings.push(`agents send their tokens to ${listen.host} in clear text (--allow-clear-text-tokens)`);
  if (tokens?.hasAnyAgent === true && !isLoopbackHost(listen.host))
    warnings.push("a token of '*' speaks for any agent, from any machine: whoever has it may take over all");
  for (const path of [agentTokensFile, tlsKey])
    if (path !== undefined && isReadByOthers(path))
      warnings.push(`${path} holds secrets and can be read by other users; chmod 600 it`);
  return warnings;
}
