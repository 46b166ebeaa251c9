import { systemClock } from "@hawser/runtime";
import { Server } from "socket.io";
import { agentName } from "../agent-name.js";
import { serveCommands } from "../served-commands.js";
import { LagMonitor } from "./lag-monitor.js";
import { listen, plainServer } from "./plain-server.js";
import type { StormServerCommands, StormServerStart, Taken } from "./storm-commands.js";
import { stormEvent } from "./storm-event.js";

/** Socket.IO's server with its defaults: a room for each agent, and `emit` to the room. Its delivery is at most once. */
class SocketIoServer implements StormServerCommands {
  readonly #io = new Server();
  readonly #monitor = new LagMonitor();
  readonly #opened: number[] = [];

  start(options: StormServerStart): Promise<{ readonly port: number }> {
    const server = plainServer(options);
    this.#io.on("connection", (socket) => {
      this.#opened.push(systemClock.wallTime());
      return socket.join(String(socket.handshake.auth["name"]));
    });
    this.#io.attach(server);
    return listen(server, options);
  }

  publish({ agent, data }: Parameters<StormServerCommands["publish"]>[0]): Promise<Taken> {
    const room = agentName(agent);
    const there = this.#io.sockets.adapter.rooms.has(room);
    this.#io.to(room).emit("event", stormEvent(data));
    return Promise.resolve(there ? "sent" : "nobody");
  }

  opened(): ReturnType<StormServerCommands["opened"]> {
    return Promise.resolve(this.#opened);
  }

  lag(): ReturnType<StormServerCommands["lag"]> {
    return Promise.resolve(this.#monitor.read());
  }
}

serveCommands(new SocketIoServer());
