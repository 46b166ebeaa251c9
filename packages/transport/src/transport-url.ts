import { HawserError } from "@hawser/protocol";
import { unixPathProblem } from "@hawser/runtime";

/** The URL schemes of one transport, each as `URL.protocol` gives it. */
export interface UrlSchemes {
  readonly plain: string;
  readonly tls: string;
  readonly unix: string;
}

/** How a URL of another transport would begin here; undefined for an unknown scheme. */
export function meantScheme(protocol: string, { plain, tls, unix }: UrlSchemes): string | undefined {
  if (["http:", "ws:", "grpc:", "dns:"].includes(protocol)) return `${plain}//`;
  if (["https:", "wss:", "grpcs:"].includes(protocol)) return `${tls}//`;
  return ["unix:", "ws+unix:", "grpc+unix:"].includes(protocol) ? unix : undefined;
}

/** @throws HawserError `invalid_config` */
export function refuseCredentials({ username, password }: URL): void {
  if (username === "" && password === "") return;
  const message = "The URL must not hold credentials; give them as `authorization`.";
  throw new HawserError("invalid_config", message);
}

/** The host without the brackets of an IPv6 address. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/**
 * The path of the Unix socket that a URL names.
 *
 * @param encodedPath taken as it stands where it is not properly encoded
 * @param absolute how the path has to begin
 * @throws HawserError `invalid_config` naming the URL
 */
export function unixPathOf({ protocol, host, href }: URL, encodedPath: string, absolute = /^\//): string {
  const path = decoded(encodedPath);
  const isAbsolute = host === "" && absolute.test(path);
  const problem = isAbsolute
    ? unixPathProblem(path)
    : `must be absolute, as in ${protocol}/run/hawser/internal.sock`;
  if (problem === undefined) return path;
  throw new HawserError("invalid_config", `The path of the Unix socket in "${href}" ${problem}.`);
}

/**
 * The path before that of the transport itself, without a slash at its end.
 *
 * @throws HawserError `invalid_config`
 */
export function resolveBasePath(basePath = ""): string {
  if (/^(?:\/[^?#\s]*)?$/.test(basePath)) return basePath.replace(/\/+$/, "");
  throw new HawserError(
    "invalid_config",
    `basePath must begin with a slash, not be ${JSON.stringify(basePath)}.`,
  );
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
