import { isIP } from "node:net";
import { HawserError } from "@hawser/protocol";
import {
  bareHost,
  meantScheme,
  type OutboundOptions,
  refuseCredentials,
  resolveBasePath,
  unixPathOf,
  type UrlSchemes,
} from "@hawser/transport";

/** What the URL of a dialer says. */
export interface DialUrl {
  readonly to: OutboundOptions["to"];
  /** Precedes the path of the method; without a slash at its end. */
  readonly basePath: string;
  readonly secure: boolean;
}

const SCHEMES: UrlSchemes = { plain: "grpc:", tls: "grpcs:", unix: "grpc+unix:" };
const FORMS = "grpc://host:port, grpcs://host:port (TLS) or grpc+unix:/path";

/** The name that gRPC gives to a destination. */
export function targetOf(to: OutboundOptions["to"]): string {
  if ("unixPath" in to) return `unix:${to.unixPath}`;
  return `${isIP(to.host) === 6 ? `[${to.host}]` : to.host}:${to.port}`;
}

/** @throws HawserError `invalid_config` */
export function parseDialUrl(text: string): DialUrl {
  if (!URL.canParse(text)) throw wrong(`"${text}" is not a URL; write ${FORMS}.`);
  const url = new URL(text);
  if (!Object.values(SCHEMES).includes(url.protocol)) {
    const meant = meantScheme(url.protocol, SCHEMES);
    const advice = meant === undefined ? `write ${FORMS}` : `begin with ${meant} instead of ${url.protocol}`;
    throw wrong(`"${text}" is no URL of gRPC; ${advice}.`);
  }
  refuseCredentials(url);
  if (url.search !== "" || url.hash !== "")
    throw wrong(`"${text}" must have neither a query (?) nor a fragment (#): gRPC has none.`);
  if (url.protocol === SCHEMES.unix) {
    const unixPath = unixPathOf(url, url.pathname, /^\/(?!\/)/);
    return { to: { unixPath }, basePath: "", secure: false };
  }
  const port = Number(url.port);
  if (url.hostname === "" || url.port === "" || port < 1)
    throw wrong(`"${text}" must name a host and a port from 1, as in grpc://127.0.0.1:7480.`);
  return {
    to: { host: bareHost(url.hostname), port },
    basePath: resolveBasePath(url.pathname),
    secure: url.protocol === SCHEMES.tls,
  };
}

function wrong(message: string): HawserError {
  return new HawserError("invalid_config", message);
}
