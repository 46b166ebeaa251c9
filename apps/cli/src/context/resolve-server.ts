import { readFileSync } from "node:fs";
import { hostNameOf, isLoopbackHost } from "@hawser/runtime";
import { findLocalApi } from "@hawser/service/local-api";
import { proxyFromEnvironment } from "@hawser/transport";
import { usageError } from "../exit-codes.js";
import type { Server } from "../api/http.js";
import { routeTo, type Route } from "../api/proxied-agent.js";
import { configPath, readConfig, type Config, type Context } from "./config-file.js";

export const DEFAULT_SERVER = "http://127.0.0.1:7481";

/** What was given on the command line. */
export interface ServerFlags {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly context?: string | undefined;
  readonly proxy?: string | undefined;
  readonly noProxy?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Which principal, and with what token: flag, else environment, else context, else default. A context that is named on the command line comes before
 * the environment. The token of a context goes to the server of that context and to no other. Where nobody named one, that of a principal of this user on this machine is found.
 *
 * @throws CommandError (usage)
 */
export function resolveServer(flags: ServerFlags, env: Environment, find = findLocalApi): Server {
  const chosen = withScheme(chooseServer(flags, env));
  if (!/^https?:\/\//.test(chosen.url) || !URL.canParse(chosen.url)) {
    throw usageError(
      `'${chosen.url}' (from ${chosen.origin}) is not an address; give --server something like ${DEFAULT_SERVER}`,
    );
  }
  const given = chooseToken(flags, env, chosen.context);
  const found = given === undefined ? findLocalToken(chosen, env, find) : undefined;
  const ca = readAuthorities(flags.caFile ?? (env.HAWSER_CA_FILE || chosen.context?.caFile));
  const url = chosen.url.replace(/\/+$/, "");
  const server = { url, origin: chosen.origin, ca, route: chooseRoute(url, ca, flags, env) };
  if (found === undefined) return { ...server, token: given };
  const findToken = (): string => {
    const again = findLocalToken(chosen, env, find);
    if (again === undefined) throw new Error("your principal there has ended");
    return again;
  };
  return { ...server, token: found, findToken };
}

/** What `--proxy` says where no proxy is wanted, whatever the environment names. */
const NO_PROXY_WORD = "none";

function chooseRoute(
  url: string,
  ca: string | undefined,
  { proxy, noProxy }: ServerFlags,
  env: Environment,
): Route | undefined {
  if (proxy === NO_PROXY_WORD) return undefined;
  const fromEnvironment = proxyFromEnvironment(env, url.startsWith("https:"));
  const chosen = proxy === undefined ? fromEnvironment : { url: proxy, from: "--proxy" };
  if (chosen === undefined) return undefined;
  const exceptions = noProxy ?? (env.no_proxy || env.NO_PROXY || "");
  try {
    return routeTo(url, ca, { ...chosen, exceptions });
  } catch (thrown) {
    throw usageError(thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
  }
}

interface Chosen {
  readonly url: string;
  readonly origin: string;
  readonly context?: Context;
}

/** `host:port` alone is meant as an address of HTTP. */
function withScheme(chosen: Chosen): Chosen {
  return /^[\w.-]+:\d+$|^\[[\da-fA-F:.]+\]:\d+$/.test(chosen.url)
    ? { ...chosen, url: `http://${chosen.url}` }
    : chosen;
}

function chooseServer(flags: ServerFlags, env: Environment): Chosen {
  if (flags.server !== undefined) return { url: flags.server, origin: "--server" };
  if (flags.context !== undefined) return fromContext(flags.context, "--context", env);
  if (env.HAWSER_SERVER) return { url: env.HAWSER_SERVER, origin: "HAWSER_SERVER" };
  if (env.HAWSER_CONTEXT) return fromContext(env.HAWSER_CONTEXT, "HAWSER_CONTEXT", env);
  const { current } = readConfig(configPath(env));
  if (current !== undefined) return fromContext(current, "the current context", env);
  return { url: DEFAULT_SERVER, origin: "the default" };
}

function fromContext(name: string, origin: string, env: Environment): Chosen {
  const path = configPath(env);
  const context = contextOf(readConfig(path), name, path);
  return { url: context.server, origin: `context ${name} (${origin})`, context };
}

/** @param todo what to do when it is not there. @throws CommandError (usage) that names the contexts there are */
export function contextOf(
  { contexts }: Config,
  name: string,
  path: string,
  todo = `Add it with: hawser context set ${name} --server URL`,
): Context {
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (context !== undefined) return context;
  const known = Object.keys(contexts);
  const there = known.length === 0 ? "there are none yet" : `there are: ${known.join(", ")}`;
  throw usageError(`no context ${name} in ${path}; ${there}. ${todo}`);
}

function chooseToken(flags: ServerFlags, env: Environment, context: Context | undefined): string | undefined {
  if (flags.token !== undefined) return flags.token;
  if (flags.tokenFile !== undefined) return readToken(flags.tokenFile, "--token-file");
  if (env.HAWSER_TOKEN) return env.HAWSER_TOKEN;
  if (env.HAWSER_TOKEN_FILE) return readToken(env.HAWSER_TOKEN_FILE, "HAWSER_TOKEN_FILE");
  if (context?.tokenFile !== undefined) return readToken(context.tokenFile, "the context");
  if (context?.tokenEnv === undefined) return undefined;
  const token = env[context.tokenEnv];
  if (token) return token;
  throw usageError(`the context takes its token from ${context.tokenEnv}, which is not set; export it`);
}

function readAuthorities(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    const text = readFileSync(path, "utf8");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(`the file of authorities ${path} cannot be read: ${reason}`, { cause });
  }
  throw usageError(`the file of authorities ${path} holds no certificate in PEM`);
}

/**
 * The token of a principal that this user runs on this machine, as it left word of itself. It is sent nowhere but to the address that this principal has bound, and not
 * where anybody else listens: with no principal there, any user of this machine may take the port.
 */
function findLocalToken({ url }: Chosen, env: Environment, find: typeof findLocalApi): string | undefined {
  const { hostname, port: given, protocol } = new URL(url);
  const host = hostNameOf(hostname);
  // A name below localhost may be one that a DNS server answers for.
  if (!isLoopbackHost(hostname) || host.endsWith(".localhost")) return undefined;
  const port = Number(given || (protocol === "https:" ? 443 : 80));
  const search = find({ host, port }, env);
  switch (search.kind) {
    case "none":
      return undefined;
    case "found":
      return readToken(search.api.tokenFile, "the principal on this machine");
    case "foreign":
      throw usageError(
        `another user (uid ${search.uid}) listens at ${hostname}:${port}, where your own principal should be alone; its token is not sent there. If that is meant, name the token with --token-file`,
      );
  }
}

function readToken(path: string, origin: string): string {
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch (thrown) {
    throw usageError(
      `the token file ${path} (from ${origin}) cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { cause: thrown },
    );
  }
  // A file of several tokens has '<name> <token>' a line and comments: the first will do. What a header cannot hold would fail deep inside the request, without a word
  // about the file.
  const [line = ""] = token.split("\n").filter((each) => !each.startsWith("#"));
  const words = line.trim().split(/\s+/);
  const last = words.at(-1) ?? "";
  if (words.length <= 2 && /^[\x21-\x7e]+$/.test(last)) return last;
  throw usageError(
    `the token file ${path} (from ${origin}) holds no token: one line without spaces is expected`,
  );
}
