import { HawserError } from "@hawser/protocol";
import type { Server } from "node:net";
import { bindError } from "./bind-error.js";
import type { BoundAddress } from "./listener-options.js";

/**
 * Makes `server` listen.
 *
 * @param option name of the setting that holds the address, for the error message
 * @throws HawserError `port_in_use`, `address_unavailable`, or `aborted` when the server was closed meanwhile
 */
export function bindPort(
  server: Server,
  option: string,
  { host, port }: BoundAddress,
): Promise<BoundAddress> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => reject(bindError(option, host, port, cause));
    const onClose = (): void => reject(new HawserError("aborted", `${option} was stopped while it started`));
    server.once("error", onError);
    server.once("close", onClose);
    server.listen({ host, port }, () => {
      server.off("error", onError);
      server.off("close", onClose);
      const bound = server.address();
      resolve({ host, port: typeof bound === "object" && bound !== null ? bound.port : port });
    });
  });
}
