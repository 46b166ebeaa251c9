import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { HawserError } from "@hawser/protocol";
import {
  ApiTokens,
  checkApiTls,
  weakTokenProblem,
  type ApiServer,
  type ApiTls,
  type ApiToken,
} from "@hawser/principal-api";
import { isLoopbackHost, type Logger } from "@hawser/runtime";
import { digestOfFiles, type ReloadableFiles } from "@hawser/service";
import { makeApiToken } from "./make-api-token.js";
import { isReadByOthers, readNamedFile } from "./named-file.js";
import { readNamedPair } from "./named-pair.js";
import type { PrincipalSettings } from "./settings.js";

/** Who may use the HTTP API. */
export interface ApiAccess {
  /** Undefined: everybody who reaches it (`--api-open`). */
  readonly tokens: ApiTokens | undefined;
  /** Where they were read, absolute. */
  readonly tokenFile: string | undefined;
  /** Undefined: plaintext. */
  readonly tls: ApiTls | undefined;
  /** The files all of it came from, for a server that uses it. */
  reloadable(api: Pick<ApiServer, "secure">): readonly ReloadableFiles[];
}

type ApiAccessSettings = Pick<
  PrincipalSettings,
  | "apiListen"
  | "apiTokenFile"
  | "apiTlsCert"
  | "apiTlsKey"
  | "apiOpen"
  | "insecure"
  | "allowClearTextTokens"
  | "dataDir"
>;

/** In the data directory, as the agents' mailboxes are: who may read those needs no token. */
const API_TOKEN_FILE = "api-token";

/** Everything that `loadApiAccess` would refuse, check by check, without making a token. */
export function apiAccessChecks(settings: ApiAccessSettings): readonly (() => unknown)[] {
  const { apiTokenFile } = settings;
  const tokenFile = tokenFileOf(settings);
  return [
    () => refuseOpenApi(settings),
    () => readApiTls(settings),
    () => {
      if (apiTokenFile !== undefined || existsSync(tokenFile)) readApiTokens(tokenFile);
    },
  ];
}

function refuseOpenApi(settings: ApiAccessSettings): void {
  const { apiListen, apiOpen, apiTokenFile, insecure, allowClearTextTokens } = settings;
  if (apiOpen && apiTokenFile !== undefined)
    throw new HawserError("invalid_config", "--api-open and --api-token-file exclude each other");
  if (apiOpen && !isLoopbackHost(apiListen.host)) {
    throw new HawserError(
      "invalid_config",
      `--api-open is for loopback only: --api-listen ${apiListen.host} can be reached from other machines, and whoever uses the API may run programs on every agent`,
    );
  }
  if (!apiOpen && sendsTokensInTheClear(settings) && !(insecure && allowClearTextTokens)) {
    throw new HawserError(
      "invalid_config",
      `--api-listen ${apiListen.host} can be reached from other machines, and without TLS everybody on the way reads the API's token; give --api-tls-cert and --api-tls-key, or both --insecure and --allow-clear-text-tokens where something in front ends TLS or the network is private`,
    );
  }
}

/**
 * Reads the tokens, and makes one at the first start unless a file of tokens is named or none is wanted.
 *
 * @throws HawserError `invalid_config`
 */
export function loadApiAccess(settings: ApiAccessSettings, logger: Logger): ApiAccess {
  for (const check of apiAccessChecks(settings)) check();
  // Before they are read: what comes after it is found when the files are watched.
  const tlsInUse = digestOfFiles(tlsFilesOf(settings));
  const tls = readApiTls(settings);
  if (settings.apiOpen) {
    logger.warn({}, "the API asks for no token: everybody on this machine may run programs on every agent");
    return {
      tokens: undefined,
      tokenFile: undefined,
      tls,
      reloadable: (api) => reloadableTls(settings, tlsInUse, api),
    };
  }
  const tokenFile = tokenFileOf(settings);
  if (settings.apiTokenFile === undefined && makeApiToken(tokenFile))
    logger.info({ file: tokenFile }, "a token for the API was made; the command line of this user finds it");
  for (const file of [tokenFile, settings.apiTlsKey]) {
    if (file !== undefined && isReadByOthers(file))
      logger.warn({ file }, "a file with a secret of the API can be read by others; chmod 600 it");
  }
  if (sendsTokensInTheClear(settings))
    logger.warn({ host: settings.apiListen.host }, "the API's token goes over the network in clear text");
  const tokensInUse = digestOfFiles([tokenFile]);
  const tokens = new ApiTokens(readApiTokens(tokenFile));
  const reloadableTokens: ReloadableFiles = {
    role: "API tokens",
    files: [tokenFile],
    inUse: tokensInUse,
    apply: () => tokens.replace(readApiTokens(tokenFile)),
  };
  return {
    tokens,
    tokenFile,
    tls,
    reloadable: (api) => [reloadableTokens, ...reloadableTls(settings, tlsInUse, api)],
  };
}

function reloadableTls(
  settings: ApiAccessSettings,
  inUse: string,
  api: Pick<ApiServer, "secure">,
): readonly ReloadableFiles[] {
  const files = tlsFilesOf(settings);
  const apply = (): void => {
    const fresh = readApiTls(settings);
    if (fresh !== undefined) api.secure(fresh);
  };
  return files.length === 0 ? [] : [{ role: "TLS of the API", files, inUse, apply }];
}

function tlsFilesOf({ apiTlsCert, apiTlsKey }: ApiAccessSettings): readonly string[] {
  return [apiTlsCert, apiTlsKey].filter((path) => path !== undefined);
}

function sendsTokensInTheClear({ apiListen, apiTlsCert }: ApiAccessSettings): boolean {
  return !isLoopbackHost(apiListen.host) && apiTlsCert === undefined;
}

/** @throws HawserError `invalid_config` for one without the other, or for two that do not fit */
function readApiTls({ apiTlsCert, apiTlsKey }: ApiAccessSettings): ApiTls | undefined {
  const tls = readNamedPair({
    cert: { setting: "--api-tls-cert", path: apiTlsCert },
    key: { setting: "--api-tls-key", path: apiTlsKey },
  });
  if (tls !== undefined) checkApiTls(tls);
  return tls;
}

function tokenFileOf({ apiTokenFile, dataDir }: ApiAccessSettings): string {
  return resolve(apiTokenFile ?? join(dataDir, API_TOKEN_FILE));
}

/**
 * Reads a file of API tokens: `<token>` or `<name> <token>` a line, `#` begins a comment.
 *
 * @throws HawserError `invalid_config` naming file and line, never the token
 */
function readApiTokens(file: string): readonly ApiToken[] {
  const tokens: ApiToken[] = [];
  for (const [index, raw] of readNamedFile("--api-token-file", file).split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const words = line.split(/\s+/);
    const [first = "", second] = words;
    const where = `${file}:${index + 1}`;
    if (words.length > 2 || (second !== undefined && !/^[\w.-]{1,64}$/.test(first)))
      throw new HawserError("invalid_config", `${where}: a line is '<token>' or '<name> <token>'`);
    const token = second ?? first;
    const problem = weakTokenProblem(token);
    if (problem !== undefined) throw new HawserError("invalid_config", `${where}: the API token ${problem}`);
    tokens.push(second === undefined ? { token } : { token, name: first });
  }
  if (tokens.length === 0) throw new HawserError("invalid_config", `${file}: there is no API token in it`);
  return tokens;
}
