import { systemClock } from "@hawser/runtime";
import { WebSocketServer, type WebSocket } from "ws";
import { agentName } from "../agent-name.js";
import { serveCommands } from "../served-commands.js";
import { LagMonitor } from "./lag-monitor.js";
import { listen, plainServer } from "./plain-server.js";
import type { StormServerCommands, StormServerStart, Taken } from "./storm-commands.js";
import { stormEvent } from "./storm-event.js";

/** `ws` as its documentation shows it: whoever says hello gets its events while it is here. Nothing is kept, acknowledged or limited. */
class NaiveServer implements StormServerCommands {
  readonly #sessions = new Map<string, WebSocket>();
  readonly #monitor = new LagMonitor();
  readonly #opened: number[] = [];

  start(options: StormServerStart): Promise<{ readonly port: number }> {
    const server = plainServer(options);
    new WebSocketServer({ server }).on("connection", (socket) => this.#accept(socket));
    return listen(server, options);
  }

  publish({ agent, data }: Parameters<StormServerCommands["publish"]>[0]): Promise<Taken> {
    const socket = this.#sessions.get(agentName(agent));
    socket?.send(JSON.stringify(stormEvent(data)));
    return Promise.resolve(socket === undefined ? "nobody" : "sent");
  }

  opened(): ReturnType<StormServerCommands["opened"]> {
    return Promise.resolve(this.#opened);
  }

  lag(): ReturnType<StormServerCommands["lag"]> {
    return Promise.resolve(this.#monitor.read());
  }

  #accept(socket: WebSocket): void {
    socket.on("error", () => {});
    socket.once("message", (data: Buffer) => {
      const { hello }: { readonly hello: string } = JSON.parse(data.toString());
      this.#sessions.set(hello, socket);
      socket.on("close", () => {
        if (this.#sessions.get(hello) === socket) this.#sessions.delete(hello);
      });
      socket.send(JSON.stringify({ welcome: hello }));
      this.#opened.push(systemClock.wallTime());
    });
  }
}

serveCommands(new NaiveServer());
