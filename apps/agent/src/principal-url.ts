import { isLoopbackHost, MAX_UNIX_PATH_BYTES, unixPathProblem } from "@hawser/runtime";
import { text } from "@hawser/service";
import type { z } from "zod";

const BY_HOST = ["ws:", "wss:", "grpc:", "grpcs:"];
const BY_FILE = ["ws+unix:", "grpc+unix:"];

/** The URL of a principal: its scheme picks the transport, and whether it is reached by a host and a port or by a Unix socket. */
export function principalUrl(): z.ZodType<string> {
  return text()
    .refine(isPrincipalUrl, { error: "is not such a URL", abort: true })
    .refine(
      (value) => !isUnix(value) || unixPathProblem(unixPathOf(value)) === undefined,
      `names a Unix socket whose path is longer than ${MAX_UNIX_PATH_BYTES} bytes`,
    );
}

/** True for `wss:` and `grpcs:`. */
export function isSecure(url: string): boolean {
  return /^(?:wss|grpcs):/i.test(url);
}

/** True where nothing leaves this machine: by a Unix socket, or to a loopback name or address. */
export function isLocal(url: string): boolean {
  return isUnix(url) || isLoopbackHost(new URL(url).hostname);
}

/** True for gRPC by whatever way. */
export function isGrpc(url: string): boolean {
  return /^grpc/i.test(url);
}

function isPrincipalUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  if (url.username !== "" || url.password !== "" || url.hash !== "") return false;
  // Over WebSocket there may be a query; gRPC has none.
  const mayAsk = !isGrpc(value);
  if (BY_FILE.includes(url.protocol))
    return url.host === "" && /^\/[^/]/.test(unixPathOf(value)) && (mayAsk || url.search === "");
  if (!BY_HOST.includes(url.protocol) || url.hostname === "") return false;
  return mayAsk || (url.port !== "" && url.search === "");
}

function isUnix(url: string): boolean {
  return URL.canParse(url) && BY_FILE.includes(new URL(url).protocol);
}

/** WebSocket puts the path of the request behind that of the socket, after a colon. Empty for one that is no path at all. */
function unixPathOf(url: string): string {
  const { pathname } = new URL(url);
  try {
    return decodeURIComponent(isGrpc(url) ? pathname : (pathname.split(":")[0] ?? ""));
  } catch {
    return "";
  }
}
