import { isLoopbackHost, type Logger } from "@hawser/runtime";
import { http2Safety } from "@hawser/service";
import { agentPortsOf } from "./agent-ports.js";
import type { PrincipalSettings } from "./settings.js";

/** Whether the agents' and the internal port speak HTTP/2 (gRPC): on a Node that anybody can end over it, only where neither can be reached from other machines, or where a setting says so. It says so at start. */
export function offersHttp2(
  settings: Pick<PrincipalSettings, "listen" | "internalListen" | "allowOldHttp2">,
  logger: Logger,
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): boolean {
  const safety = http2Safety(versions);
  if (safety.kind === "safe") return true;
  const isOffered =
    settings.allowOldHttp2 || agentPortsOf(settings).every(({ host }) => isLoopbackHost(host));
  const consequence = isOffered
    ? "it is offered all the same"
    : "it is not offered beyond loopback, unless --allow-old-http2 says so; agents connect by WebSocket";
  logger.warn({ node: versions["node"], nghttp2: versions["nghttp2"] }, `${safety.message}; ${consequence}`);
  return isOffered;
}
