import { HawserError } from "@hawser/protocol";
import {
  bareHost,
  meantScheme,
  type OutboundOptions,
  refuseCredentials,
  unixPathOf,
  type UrlSchemes,
} from "@hawser/transport";
import { DEFAULT_PATH } from "./stream-settings.js";

/** Where a dial goes. */
export interface Destination {
  /** Of the request; `ws:` or `wss:`. */
  readonly url: URL;
  /** The Unix domain socket to connect to, instead of the host and port of the URL. */
  readonly unixPath?: string;
  /** For people. */
  readonly name: string;
}

const SCHEMES: UrlSchemes = { plain: "ws:", tls: "wss:", unix: "ws+unix:" };

/** @throws HawserError `invalid_config` */
export function resolveDestination(text: string): Destination {
  if (!URL.canParse(text)) throw new HawserError("invalid_config", `"${text}" is not a URL.`);
  const url = new URL(text);
  if (!Object.values(SCHEMES).includes(url.protocol)) {
    const meant = meantScheme(url.protocol, SCHEMES);
    const advice = meant === undefined ? "" : `; write ${meant} instead`;
    throw new HawserError(
      "invalid_config",
      `The URL must begin with ws://, wss:// or ws+unix:/, not ${url.protocol}//${advice}.`,
    );
  }
  refuseCredentials(url);
  if (url.hash !== "") throw new HawserError("invalid_config", "The URL must not have a fragment (#).");
  if (url.protocol === SCHEMES.unix) return unixDestination(url);
  url.pathname = endpointBelow(url.pathname);
  return { url, name: url.href };
}

/** The URL holds two paths, separated by a colon: of the socket, and of the request. */
function unixDestination(url: URL): Destination {
  const [socket = "", request = ""] = url.pathname.split(":");
  const unixPath = unixPathOf(url, socket);
  const target = new URL(`ws://localhost${request || DEFAULT_PATH}${url.search}`);
  return { url: target, unixPath, name: url.href };
}

/**
 * The path of a URL precedes the endpoint, as behind a proxy that shares its host: `/hawser` and
 * `/hawser/` both lead to `/hawser/v1/connect`. A path that ends in the endpoint is complete.
 */
function endpointBelow(path: string): string {
  const base = path.replace(/\/+$/, "");
  return base.endsWith(DEFAULT_PATH) ? base : `${base}${DEFAULT_PATH}`;
}

/** Where the socket of a destination goes. */
export function socketOf({ url, unixPath }: Destination): OutboundOptions["to"] {
  if (unixPath !== undefined) return { unixPath };
  const port = url.port === "" ? (url.protocol === "wss:" ? 443 : 80) : Number(url.port);
  return { host: bareHost(url.hostname), port };
}
