import { isLoopbackHost, type Logger } from "@hawser/runtime";
import type { BoundAddress, UnixAddress } from "./listener/listener-options.js";
import type { PrincipalOptions } from "./principal.js";

/**
 * Says so where whoever reaches a port may be any agent: nobody was asked to tell who they are, and other machines reach it. With an authority of client certificates it is at least those whom that
 * one signed.
 */
export function warnOfOpenPort(
  address: BoundAddress | UnixAddress | undefined,
  { authenticate, listen }: Pick<PrincipalOptions, "authenticate" | "listen">,
  logger: Logger,
): void {
  if (address === undefined || "path" in address || isLoopbackHost(address.host)) return;
  if (authenticate !== undefined || listen?.tls?.clientCa !== undefined) return;
  logger.warn(
    { host: address.host, port: address.port },
    "this port can be reached from other machines and nothing tells who an agent is (authenticate): whoever connects may be any agent",
  );
}
