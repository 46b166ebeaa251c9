import { HawserError } from "@hawser/protocol";
import { chmodSync } from "node:fs";
import type { Server } from "node:net";
import type { Endpoint } from "./endpoint.js";
import type { UnixAddress } from "./listener-options.js";
import { bindUnixError, removeStaleSocket } from "./stale-socket.js";

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
    await removeStaleSocket(this.#option, this.#path);
    return new Promise((resolve, reject) => {
      const onError = (cause: unknown): void => reject(bindUnixError(this.#option, this.#path, cause));
      const onClose = (): void =>
        reject(new HawserError("aborted", `${this.#option} was stopped while it started`));
      server.once("error", onError);
      server.once("close", onClose);
      server.listen({ path: this.#path }, () => {
        server.off("error", onError);
        server.off("close", onClose);
        resolve({ path: this.#path });
      });
      // In the same turn as the bind, so that nobody can have been accepted under the mode the umask left.
      if (server.listening) this.#protect(server, onError);
    });
  }

  /** The other ends of a Unix socket have no name of their own, so they are numbered. */
  peerOf(): string {
    this.#peers += 1;
    return `unix:${this.#path}#${this.#peers}`;
  }

  #protect(server: Server, failed: (cause: unknown) => void): void {
    try {
      chmodSync(this.#path, this.#mode);
    } catch (cause) {
      failed(cause);
      server.close();
    }
  }
}
