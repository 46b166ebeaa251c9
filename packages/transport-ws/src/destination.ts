import { HawserError } from "@hawser/protocol";
import { unixPathProblem } from "@hawser/runtime";
import type { OutboundOptions } from "@hawser/transport";
import { DEFAULT_PATH } from "./stream-settings.js";

/** Where a dial goes. */
export interface Destination {
  /** What is asked for, and of whom: `ws:` or `wss:`. */
  readonly url: URL;
  /** The Unix domain socket to ask by, instead of the host and the port of the URL. */
  readonly unixPath?: string;
  /** For people. */
  readonly name: string;
}

/** Schemes that people write for what has one of its own. */
const MEANT: Readonly<Record<string, string>> = {
  "http:": "ws://",
  "grpc:": "ws://",
  "https:": "wss://",
  "grpcs:": "wss://",
  "unix:": "ws+unix:",
  "grpc+unix:": "ws+unix:",
};

/** @throws HawserError `invalid_config` */
export function resolveDestination(text: string): Destination {
  if (!URL.canParse(text)) throw new HawserError("invalid_config", `"${text}" is not a URL.`);
  const url = new URL(text);
  if (!["ws:", "wss:", "ws+unix:"].includes(url.protocol)) {
    const meant = MEANT[url.protocol];
    const mend = meant === undefined ? "" : `; write ${meant} instead`;
    throw new HawserError(
      "invalid_config",
      `The URL must begin with ws://, wss:// or ws+unix:/, not ${url.protocol}//${mend}.`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new HawserError(
      "invalid_config",
      "The URL must not hold credentials; give them as `authorization`.",
    );
  }
  if (url.hash !== "") throw new HawserError("invalid_config", "The URL must not have a fragment (#).");
  if (url.protocol === "ws+unix:") return unixDestination(url);
  url.pathname = endpointBelow(url.pathname);
  return { url, name: url.href };
}

/** Two paths in one, with a colon between them: that of the socket, and that of the request. */
function unixDestination({ href, host, pathname, search }: URL): Destination {
  const [socket = "", request = ""] = pathname.split(":");
  const unixPath = decoded(socket);
  const problem =
    host === "" && unixPath.startsWith("/")
      ? unixPathProblem(unixPath)
      : "must be absolute, as in ws+unix:/run/hawser/internal.sock";
  if (problem !== undefined)
    throw new HawserError("invalid_config", `The path of the Unix socket in "${href}" ${problem}.`);
  return { url: new URL(`ws://localhost${request || DEFAULT_PATH}${search}`), unixPath, name: href };
}

/** A path that is not properly encoded is taken as it stands. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * A path names what comes before the endpoint, as behind a proxy that shares its host: `/hawser` and
 * `/hawser/` both lead to `/hawser/v1/connect`. One that ends in the endpoint is complete.
 */
function endpointBelow(path: string): string {
  const base = path.replace(/\/+$/, "");
  return base.endsWith(DEFAULT_PATH) ? base : `${base}${DEFAULT_PATH}`;
}

/** Where the socket of a destination goes. */
export function socketOf({ url, unixPath }: Destination): OutboundOptions["to"] {
  if (unixPath !== undefined) return { unixPath };
  const port = url.port === "" ? (url.protocol === "wss:" ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port };
}
