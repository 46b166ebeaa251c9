import { constants, accessSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { HawserError } from "@hawser/protocol";
import type { AgentSettings } from "./settings.js";

/** Settings that depend on each other, filled in. */
export interface Paths {
  readonly dataDir: string;
  readonly configFileRoot: string;
}

export function pathsOf({
  name,
  dataDir = join(".hawser", `agent-${name}`),
  configFileRoot,
}: AgentSettings): Paths {
  return { dataDir, configFileRoot: configFileRoot ?? join(dataDir, "config-files") };
}

/**
 * Checks what no setting can tell by itself: pairs, and the files that are named.
 *
 * @throws HawserError `invalid_config` listing every problem
 */
export function checkSettings(settings: AgentSettings): void {
  const problems = [...pairProblems(settings), ...fileProblems(settings)];
  if (problems.length === 0) return;
  const lines = ["hawser-agent cannot start:", ...problems.map((problem) => `  ${problem}`)];
  throw new HawserError("invalid_config", lines.join("\n"));
}

/** True for `wss:` and `grpcs:`. */
export function isSecure(url: string): boolean {
  return /^(?:wss|grpcs):/i.test(url);
}

function pairProblems({ url, tlsCa, tlsCert, tlsKey, rotationMin, rotationMax }: AgentSettings): string[] {
  const problems: string[] = [];
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

function fileProblems({ tokenFile, tlsCa, tlsCert, tlsKey }: AgentSettings): string[] {
  const files = { "--token-file": tokenFile, "--tls-ca": tlsCa, "--tls-cert": tlsCert, "--tls-key": tlsKey };
  const problems: string[] = [];
  for (const [flag, path] of Object.entries(files)) {
    if (path === undefined) continue;
    const problem = problemOf(() => accessSync(path, constants.R_OK));
    if (problem !== undefined) problems.push(`${flag}: the file cannot be read: ${problem}`);
  }
  if (problems.length > 0) return problems;
  const wrong = problemOf(() => {
    createSecureContext({
      ...(tlsCa === undefined ? {} : { ca: readFileSync(tlsCa) }),
      ...(tlsCert === undefined ? {} : { cert: readFileSync(tlsCert) }),
      ...(tlsKey === undefined ? {} : { key: readFileSync(tlsKey) }),
    });
  });
  if (wrong !== undefined)
    problems.push(`--tls-ca, --tls-cert and --tls-key do not hold usable PEM: ${wrong}`);
  return problems;
}

function problemOf(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
