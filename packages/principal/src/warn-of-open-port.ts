import type { BoundAddress, UnixAddress } from "@hawser/listener";
import { isLoopbackHost, type Logger } from "@hawser/runtime";
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
  if (authenticate !== undefined) return;
  if (listen !== undefined && "port" in listen && listen.tls?.clientCa !== undefined) return;
  logger.warn(
    { host: address.host, port: address.port },
    "this port can be reached from other machines and nothing tells who an agent is (authenticate): whoever connects may be any agent",
  );
}

/** The same of a server of somebody else's: from where that can be reached, nobody here knows. */
export function warnOfOpenUpgrades(
  { authenticate, listen }: Pick<PrincipalOptions, "authenticate" | "listen">,
  logger: Logger,
): void {
  if (listen === undefined || !("by" in listen) || authenticate !== undefined) return;
  logger.warn(
    {},
    "agents come by the upgrades of another server and nothing tells who an agent is (authenticate): whoever reaches that server may be any agent",
  );
}
