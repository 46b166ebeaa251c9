import { HawserError } from "@hawser/protocol";
import { unixPathProblem } from "@hawser/runtime";
import type { Destination } from "./destination.js";
import { resolveBasePath } from "./service.js";

/** What the URL of a dialer says. */
export interface DialUrl {
  readonly to: Destination;
  /** What precedes the method; without a slash at its end. */
  readonly basePath: string;
  /** Whether TLS is spoken. */
  readonly secure: boolean;
}

const FORMS = "grpc://host:port, grpcs://host:port (TLS) or grpc+unix:/path";

/** Schemes that people write for what has one of its own. */
const MEANT: Readonly<Record<string, string>> = {
  "http:": "grpc://",
  "ws:": "grpc://",
  "https:": "grpcs://",
  "wss:": "grpcs://",
  "unix:": "grpc+unix:",
  "ws+unix:": "grpc+unix:",
  "dns:": "grpc://",
};

/** @throws HawserError `invalid_config` */
export function parseDialUrl(text: string): DialUrl {
  if (!URL.canParse(text)) throw wrong(`"${text}" is not a URL; write ${FORMS}.`);
  const url = new URL(text);
  if (!["grpc:", "grpcs:", "grpc+unix:"].includes(url.protocol)) {
    const meant = MEANT[url.protocol];
    const mend = meant === undefined ? `write ${FORMS}` : `begin with ${meant} instead of ${url.protocol}`;
    throw wrong(`"${text}" is no URL of gRPC; ${mend}.`);
  }
  if (url.username !== "" || url.password !== "")
    throw wrong("The URL must not hold credentials; give them as `authorization`.");
  if (url.search !== "" || url.hash !== "")
    throw wrong(`"${text}" must have neither a query (?) nor a fragment (#): gRPC has none.`);
  if (url.protocol === "grpc+unix:")
    return { to: { path: unixPathOf(text, url) }, basePath: "", secure: false };
  const port = Number(url.port);
  if (url.hostname === "" || url.port === "" || port < 1)
    throw wrong(`"${text}" must name a host and a port from 1, as in grpc://127.0.0.1:7480.`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { to: { host, port }, basePath: resolveBasePath(url.pathname), secure: url.protocol === "grpcs:" };
}

function unixPathOf(text: string, { host, pathname }: URL): string {
  const path = decoded(pathname);
  const isAbsolute = host === "" && path.startsWith("/") && !path.startsWith("//");
  const problem = isAbsolute
    ? unixPathProblem(path)
    : "must be absolute, as in grpc+unix:/run/hawser/internal.sock";
  if (problem === undefined) return path;
  throw wrong(`The path of the Unix socket in "${text}" ${problem}.`);
}

/** A path that is not properly encoded is taken as it stands. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function wrong(message: string): HawserError {
  return new HawserError("invalid_config", message);
}
