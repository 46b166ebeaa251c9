import { createServer, type Server } from "node:net";
import type { BoundAddress, UnixListenerOptions } from "./listener-options.js";
import { resolveEndpoint } from "./endpoint.js";

/** A port or a Unix socket to listen on. */
export interface ListenPlace {
  /** Name of the setting, for the error message. */
  readonly option: string;
  readonly listen: BoundAddress | UnixListenerOptions;
}

/**
 * Checks that all places can be bound at once: binds them, as a start does, and closes them. A
 * connection that comes meanwhile is closed.
 *
 * @throws HawserError `port_in_use`, `address_unavailable` or `invalid_config`, as the start would
 */
export async function tryListen(places: readonly ListenPlace[]): Promise<void> {
  const servers: Server[] = [];
  try {
    for (const { option, listen } of places) {
      const server = createServer((socket) => socket.destroy());
      servers.push(server);
      await resolveEndpoint(option, listen).bind(server);
    }
  } finally {
    await Promise.all(servers.map(close));
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}
