import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "socket.io";
import { agentName } from "../agent-name.js";
import { serveCommands } from "../served-commands.js";
import { LagMonitor } from "./lag-monitor.js";
import type { StormServerCommands, Taken } from "./storm-commands.js";
import { stormEvent } from "./storm-event.js";

/** Socket.IO's server with its defaults: a room for each agent, and `emit` to the room. Its delivery is at most once. */
class SocketIoServer implements StormServerCommands {
  readonly #io = new Server();
  readonly #monitor = new LagMonitor();

  async start({ port }: Parameters<StormServerCommands["start"]>[0]): Promise<{ readonly port: number }> {
    this.#io.on("connection", (socket) => socket.join(String(socket.handshake.auth["name"])));
    const server = createServer();
    this.#io.attach(server);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("the server is not bound to a port");
    return { port: address.port };
  }

  publish({ agent, data }: Parameters<StormServerCommands["publish"]>[0]): Promise<Taken> {
    const room = agentName(agent);
    const there = this.#io.sockets.adapter.rooms.has(room);
    this.#io.to(room).emit("event", stormEvent(data));
    return Promise.resolve(there ? "sent" : "nobody");
  }

  lag(): ReturnType<StormServerCommands["lag"]> {
    return Promise.resolve(this.#monitor.read());
  }
}

serveCommands(new SocketIoServer());
