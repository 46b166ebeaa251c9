import { systemTimers } from "@hawser/runtime";
import WebSocket from "ws";
import type { FleetEvent } from "../fleet/fleet-commands.js";
import { serveCommands } from "../served-commands.js";
import { CLIENT_TLS } from "../tls-files.js";
import { PlainAgents, type PlainAgent } from "./plain-agents.js";

/** What many write first: wait a second, and try again. No jitter, no backoff, no time limit. */
const RETRY_MS = 1_000;

type Message = { readonly welcome: string } | { readonly data: FleetEvent };

function connect(agent: PlainAgent): void {
  let open = false;
  const socket = agent.tls
    ? new WebSocket(`wss://127.0.0.1:${agent.port}`, CLIENT_TLS)
    : new WebSocket(`ws://127.0.0.1:${agent.port}`);
  socket.on("open", () => socket.send(JSON.stringify({ hello: agent.name })));
  socket.on("message", (text: Buffer) => {
    const message: Message = JSON.parse(text.toString());
    if ("data" in message) agent.event(message.data);
    else {
      open = true;
      agent.opened();
    }
  });
  // `close` follows in any case.
  socket.on("error", () => {});
  socket.on("close", () => {
    if (open) agent.closed();
    systemTimers.after(RETRY_MS, () => connect(agent));
  });
}

serveCommands(new PlainAgents(connect));
