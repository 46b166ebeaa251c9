import type { Agent } from "@hawser/agent";
import { HawserError } from "@hawser/protocol";
import { unixPathProblem, type Runtime } from "@hawser/runtime";
import { bindUnixSocket } from "@hawser/transport";
import { createServer } from "node:net";
import { BodyBudget } from "./body-budget.js";
import { EventIntake } from "./event-intake.js";
import { EventSocket } from "./event-socket.js";
import { defaultSocketPath, type SocketSettings } from "./socket-settings.js";

/** An open socket. */
export interface OpenEventSocket {
  readonly path: string;
  stop(): Promise<void>;
}

/**
 * Opens the socket for events where the settings say. A socket that was named has to be there; one that nobody asked for, in the data directory, is an error line when it cannot be made, because the line to
 * the principal does not depend on it.
 *
 * @throws HawserError `port_in_use` or `address_unavailable` for a socket that was named
 */
export async function openEventSocket(
  settings: SocketSettings,
  dataDir: string,
  agent: Pick<Agent, "name" | "publish" | "state">,
  runtime: Runtime,
): Promise<OpenEventSocket | undefined> {
  const { socket, socketMode: mode, socketGroup: gid } = settings;
  const path = socket.kind === "named" ? socket.path : defaultSocketPath(dataDir);
  // The notices have told about the path.
  if (socket.kind === "off" || unixPathProblem(path) !== undefined) return undefined;
  const intake = new EventIntake(agent, new BodyBudget());
  const opened = new EventSocket({ place: { option: "--socket", path, mode, gid }, intake, runtime });
  try {
    await opened.start();
  } catch (thrown) {
    if (socket.kind === "named") throw thrown;
    const { code, message } = HawserError.from(thrown);
    runtime.logger.error({ code }, `programs on this machine cannot hand this agent events: ${message}`);
    return undefined;
  }
  return { path, stop: () => opened.stop() };
}

/**
 * Binds a socket that was named, as a start does, and takes it away again.
 *
 * @throws HawserError as the start would
 */
export async function tryNamedSocket({
  socket,
  socketMode: mode,
  socketGroup: gid,
}: SocketSettings): Promise<void> {
  if (socket.kind !== "named") return;
  const server = createServer((connection) => connection.destroy());
  await bindUnixSocket(server, { option: "--socket", path: socket.path, mode, gid });
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
}
