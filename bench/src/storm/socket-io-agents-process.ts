import { io } from "socket.io-client";
import type { FleetEvent } from "../fleet/fleet-commands.js";
import { serveCommands } from "../served-commands.js";
import { CLIENT_TLS } from "../tls-files.js";
import { PlainAgents, type PlainAgent } from "./plain-agents.js";

/** As its types want it. */
const CA = CLIENT_TLS.ca.toString();

/** Socket.IO's client with its defaults, reconnection included; `forceNew` because agents do not share a connection. */
function connect(agent: PlainAgent): void {
  const options = { forceNew: true, auth: { name: agent.name } };
  const socket = agent.tls
    ? io(`https://127.0.0.1:${agent.port}`, { ...options, ca: CA })
    : io(`http://127.0.0.1:${agent.port}`, options);
  socket.on("connect", () => agent.opened());
  socket.on("disconnect", () => agent.closed());
  socket.on("event", ({ data }: { readonly data: FleetEvent }) => agent.event(data));
}

serveCommands(new PlainAgents(connect));
