import type { Server, Socket } from "node:net";
import { formatAddress } from "./bind-error.js";
import { bindPort } from "./bind-port.js";
import type { Endpoint } from "./endpoint.js";
import type { BoundAddress } from "./listener-options.js";

/** A port of one or all addresses of this machine. */
export class TcpEndpoint implements Endpoint<BoundAddress> {
  readonly #option: string;
  readonly #address: BoundAddress;

  /** @param option name of the setting that holds the address, for error messages */
  constructor(option: string, address: BoundAddress) {
    this.#option = option;
    this.#address = address;
  }

  bind(server: Server): Promise<BoundAddress> {
    return bindPort(server, this.#option, this.#address);
  }

  peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
    if (remoteAddress === undefined || remotePort === undefined) return undefined;
    return formatAddress(remoteAddress, remotePort);
  }
}
