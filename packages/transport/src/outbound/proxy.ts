import { BlockList, isIP } from "node:net";
import { HawserError } from "@hawser/protocol";
import { bareHost } from "../transport-url.js";

/** The proxy that leads out of a network, and what is reached without it. */
export interface ProxySettings {
  /** `http://` or `https://`, then host and port; user and password where the proxy wants them. */
  readonly url: string;
  /**
   * What is reached directly, separated by commas, as in `NO_PROXY`: `*` for everything, a name
   * (which stands for its subdomains as well), an address, a network such as `10.0.0.0/8`; each
   * may end in `:port`. Loopback is always reached directly. @default ""
   */
  readonly exceptions?: string;
  /** The setting that the URL comes from, for messages. @default "the URL of the proxy" */
  readonly from?: string;
}

/** A proxy that is to be asked for a tunnel (RFC 9110, section 9.3.6). */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** The connection to the proxy itself is TLS. */
  readonly secure: boolean;
  /** `user:password`. Never logged. */
  readonly credentials?: string;
  /** For people: without user and password. */
  readonly name: string;
}

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy settings of the environment, by the names that curl reads: `HTTPS_PROXY` for TLS,
 * `HTTP_PROXY` for plaintext, else `ALL_PROXY`; each in lower case first.
 */
export function proxyFromEnvironment(env: Environment, secure: boolean): ProxySettings | undefined {
  const names = [secure ? "HTTPS_PROXY" : "HTTP_PROXY", "ALL_PROXY"];
  const from = names.flatMap((name) => [name.toLowerCase(), name]).find((name) => env[name]);
  const url = from === undefined ? undefined : env[from];
  if (from === undefined || url === undefined) return undefined;
  return { url, exceptions: env.no_proxy || env.NO_PROXY || "", from };
}

/**
 * The proxy for one destination; undefined when it is reached directly.
 *
 * @throws HawserError `invalid_config` for a URL that is none, or names another kind of proxy
 */
export function proxyFor(host: string, port: number, settings: ProxySettings | undefined): Proxy | undefined {
  if (settings === undefined || settings.url === "") return undefined;
  return isException(host, port, settings.exceptions ?? "") ? undefined : parseProxy(settings);
}

function parseProxy({ url: text, from = "the URL of the proxy" }: ProxySettings): Proxy {
  // A host and port without a scheme is common, and means http.
  const url = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(url))
    throw new HawserError("invalid_config", `${from} is not a URL; write http://host:port.`);
  const { protocol, hostname, port, username, password, host } = new URL(url);
  const secure = protocol === "https:";
  if (!secure && protocol !== "http:") {
    throw new HawserError(
      "invalid_config",
      `${from} names a proxy of the kind ${protocol}//, which is not supported; write http:// or https://, or name the principal in NO_PROXY.`,
    );
  }
  const credentials = `${decoded(username, "user", from)}:${decoded(password, "password", from)}`;
  return {
    host: bareHost(hostname),
    port: port === "" ? (secure ? 443 : 80) : Number(port),
    secure,
    name: `${protocol}//${host}`,
    ...(credentials === ":" ? {} : { credentials }),
  };
}

function decoded(text: string, what: "user" | "password", from: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Node's error leaks no secret, but names neither the setting nor the remedy.
    throw new HawserError(
      "invalid_config",
      `The ${what} in ${from} has a % that does not encode a character; write %25 for a percent sign.`,
    );
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

function isException(hostText: string, port: number, exceptions: string): boolean {
  const host = bareHost(hostText).toLowerCase().replace(/\.$/, "");
  if (host === "localhost" || host.endsWith(".localhost") || isWithin(LOOPBACK, host)) return true;
  return exceptions
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => covers(entry.toLowerCase(), host, port));
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  const named = /^(\[[^\]]+\]|[^:]*):(\d+)$/.exec(entry);
  if (named !== null && Number(named[2]) !== port) return false;
  const pattern = bareHost(named?.[1] ?? entry);
  const network = /^(.+)\/(\d{1,3})$/.exec(pattern);
  if (network !== null) return isInNetwork(host, network[1] ?? "", Number(network[2]));
  if (isIP(pattern) !== 0) return isSameAddress(host, pattern);
  const name = pattern.replace(/^\*?\./, "");
  return host === name || host.endsWith(`.${name}`);
}

function isInNetwork(host: string, network: string, prefix: number): boolean {
  const family = isIP(network);
  if (family === 0 || prefix > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family === 4 ? "ipv4" : "ipv6");
  return isWithin(list, host);
}

/** `::1` and `0:0:0:0:0:0:0:1` are one address. */
function isSameAddress(host: string, address: string): boolean {
  const list = new BlockList();
  list.addAddress(address, isIP(address) === 4 ? "ipv4" : "ipv6");
  return isWithin(list, host);
}

function isWithin(list: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && list.check(host, family === 4 ? "ipv4" : "ipv6");
}
