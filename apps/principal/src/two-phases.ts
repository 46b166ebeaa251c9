import type { BoundAddress, PrincipalOptions, UnixAddress } from "@hawser/principal";
import { createWebSocketDialer } from "@hawser/transport-ws";
import type { PrincipalSettings } from "./settings.js";

/** The internal port or socket, and the gate in front of the agents' port. */
export function twoPhases(settings: PrincipalSettings): Pick<PrincipalOptions, "internal" | "gate"> {
  const { internalListen, internalSocketMode, settle, gateTimeout, gateFallback } = settings;
  if (internalListen === undefined) return {};
  const fallback = { afterMs: gateTimeout, action: gateFallback === "open" ? "open" : "fail" } as const;
  return {
    internal: {
      listen:
        "path" in internalListen
          ? { ...internalListen, mode: Number.parseInt(internalSocketMode, 8) }
          : internalListen,
      selfLogin: (address) => createWebSocketDialer({ url: urlOf(address), subprotocol: "cloudevents.json" }),
    },
    gate: { settleMs: settle, fallback },
  };
}

/** How this very process reaches what it has bound. */
function urlOf(address: BoundAddress | UnixAddress): string {
  return "path" in address
    ? `ws+unix:${address.path.split("/").map(encodeURIComponent).join("/")}`
    : `ws://${loopbackOf(address.host)}:${address.port}`;
}

function loopbackOf(host: string): string {
  if (host === "::") return "[::1]";
  if (host === "0.0.0.0") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
