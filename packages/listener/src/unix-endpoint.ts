import { bindUnixSocket } from "@hawser/transport";
import type { Server } from "node:net";
import type { Endpoint } from "./endpoint.js";
import type { UnixAddress } from "./listener-options.js";

/** A Unix domain socket: who may connect is decided by the file's mode and by the directories above it. */
export class UnixEndpoint implements Endpoint<UnixAddress> {
  readonly #option: string;
  readonly #path: string;
  readonly #mode: number;
  #peers = 0;

  /** @param option name of the setting that holds the path, for error messages */
  constructor(option: string, path: string, mode: number) {
    this.#option = option;
    this.#path = path;
    this.#mode = mode;
  }

  async bind(server: Server): Promise<UnixAddress> {
    await bindUnixSocket(server, { option: `${this.#option}.path`, path: this.#path, mode: this.#mode });
    return { path: this.#path };
  }

  /** The other ends of a Unix socket have no name of their own, so they are numbered. */
  peerOf(): string {
    this.#peers += 1;
    return `unix:${this.#path}#${this.#peers}`;
  }
}
