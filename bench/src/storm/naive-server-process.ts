import { once } from "node:events";
import { WebSocketServer, type WebSocket } from "ws";
import { agentName } from "../agent-name.js";
import { serveCommands } from "../served-commands.js";
import { LagMonitor } from "./lag-monitor.js";
import type { StormServerCommands, Taken } from "./storm-commands.js";
import { stormEvent } from "./storm-event.js";

/** `ws` as its documentation shows it: whoever says hello gets its events while it is here. Nothing is kept, acknowledged or limited. */
class NaiveServer implements StormServerCommands {
  readonly #sessions = new Map<string, WebSocket>();
  readonly #monitor = new LagMonitor();

  async start({ port }: Parameters<StormServerCommands["start"]>[0]): Promise<{ readonly port: number }> {
    const server = new WebSocketServer({ host: "127.0.0.1", port });
    server.on("connection", (socket) => this.#accept(socket));
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("the server is not bound to a port");
    return { port: address.port };
  }

  publish({ agent, data }: Parameters<StormServerCommands["publish"]>[0]): Promise<Taken> {
    const socket = this.#sessions.get(agentName(agent));
    socket?.send(JSON.stringify(stormEvent(data)));
    return Promise.resolve(socket === undefined ? "nobody" : "sent");
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
    });
  }
}

serveCommands(new NaiveServer());
