import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HawserError, thrownText } from "@hawser/protocol";
import { bearer } from "./credentials.js";
import { socketProblems } from "./event-socket/socket-settings.js";
import { machineProblems } from "./machine-settings.js";
import { certificatePairProblems, readAuthorities } from "@hawser/service";
import { parseGatewayHeaders } from "./gateway-headers.js";
import { isLocal, isSecure } from "./principal-url.js";
import type { AgentSettings } from "./settings.js";

/** Where the durable state is. */
export function dataDirOf({ name, dataDir }: AgentSettings): string {
  return dataDir ?? join(".hawser", `agent-${name}`);
}

/**
 * Checks what no setting can tell by itself: pairs, and the files that are named.
 *
 * @throws HawserError `invalid_config` listing every problem
 */
export function checkSettings(settings: AgentSettings): void {
  const problems = [
    ...pairProblems(settings),
    ...socketProblems(settings),
    ...fileProblems(settings),
    ...machineProblems(settings),
  ];
  if (problems.length === 0) return;
  const lines = ["hawser-agent cannot start:", ...problems.map((problem) => `  ${problem}`)];
  throw new HawserError("invalid_config", lines.join("\n"));
}

/** Whether the token would go over a network where everybody on the way reads it. */
export function sendsTokenInTheClear({ url, tokenFile }: Pick<AgentSettings, "url" | "tokenFile">): boolean {
  return tokenFile !== undefined && !isSecure(url) && !isLocal(url);
}

function pairProblems(settings: AgentSettings): string[] {
  const { url, tlsCa, tlsCert, tlsKey, rotationMin, rotationMax } = settings;
  const problems: string[] = [];
  if (sendsTokenInTheClear(settings) && !settings.allowClearTextToken)
    problems.push(
      `--url ${url} would carry the token in clear text to another machine; use wss:// or grpcs://, or give --allow-clear-text-token where the network is private`,
    );
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    problems.push("--tls-cert and --tls-key go together; one of them is missing");
  }
  if (!isSecure(url) && (tlsCa !== undefined || tlsCert !== undefined)) {
    problems.push(`--tls-ca and --tls-cert have no effect with --url ${url}; use wss:// or grpcs://`);
  }
  if (rotationMin > rotationMax) {
    problems.push(`--rotation-min (${rotationMin} ms) is above --rotation-max (${rotationMax} ms); lower it`);
  }
  return problems;
}

function fileProblems({ tokenFile, headerFile, tlsCa, tlsCert, tlsKey }: AgentSettings): string[] {
  const problems: string[] = [];
  // Each file is read once for each thing it has to be; what cannot be read or used is named.
  const use = <T>(flag: string, path: string | undefined, parse: (content: Buffer) => T): T | undefined => {
    if (path === undefined) return undefined;
    try {
      return parse(readFileSync(path));
    } catch (thrown) {
      const reason = thrownText(thrown);
      problems.push(`${flag} ${path} cannot be used; give a readable file of the right kind: ${reason}`);
      return undefined;
    }
  };
  use("--token-file", tokenFile, (content) => bearer(tokenFile ?? "", content));
  problems.push(...authorityProblems(tlsCa));
  use("--header-file", headerFile, (content) => parseGatewayHeaders(content.toString("utf8"), "it"));
  const cert = use("--tls-cert", tlsCert, (content) => content);
  const key = use("--tls-key", tlsKey, (content) => content);
  if (tlsCert !== undefined && tlsKey !== undefined && cert !== undefined && key !== undefined)
    problems.push(
      ...certificatePairProblems(
        { setting: "--tls-cert", path: tlsCert, content: cert },
        { setting: "--tls-key", path: tlsKey, content: key },
      ),
    );
  return problems;
}

function authorityProblems(tlsCa: string | undefined): string[] {
  try {
    for (const pem of tlsCa === undefined ? [] : readAuthorities(tlsCa)) new X509Certificate(pem);
    return [];
  } catch (thrown) {
    const reason = thrownText(thrown);
    return [`--tls-ca ${tlsCa} cannot be used; name PEM files, or 'system': ${reason}`];
  }
}
