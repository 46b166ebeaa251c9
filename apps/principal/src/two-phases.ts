import type { BoundAddress, UnixAddress } from "@hawser/listener";
import type { PrincipalOptions } from "@hawser/principal";
import { createWebSocketDialer } from "@hawser/transport-ws";
import type { PrincipalSettings } from "./settings.js";

type TwoPhaseSettings = Pick<
  PrincipalSettings,
  "internalListen" | "internalSocketMode" | "stableFor" | "gateTimeout" | "gateFallback" | "basePath"
>;

/** The internal port or socket, and the gate in front of the agents' port. */
export function twoPhases(settings: TwoPhaseSettings): Pick<PrincipalOptions, "internal" | "gate"> {
  const { internalListen, internalSocketMode, stableFor, gateTimeout, gateFallback, basePath } = settings;
  if (internalListen === undefined) return {};
  const fallback = { afterMs: gateTimeout, action: gateFallback === "open" ? "open" : "fail" } as const;
  return {
    internal: {
      listen:
        "path" in internalListen
          ? { ...internalListen, mode: Number.parseInt(internalSocketMode, 8) }
          : internalListen,
      selfLogin: (address) =>
        createWebSocketDialer({ url: urlOf(address, basePath), subprotocol: "cloudevents.json" }),
    },
    gate: { stableForMs: stableFor, fallback },
  };
}

/** How this very process reaches what it has bound. Both ports have the same acceptors, so the base path precedes this one's as well. */
function urlOf(address: BoundAddress | UnixAddress, basePath: string): string {
  const below = basePath.replace(/\/+$/, "");
  if (!("path" in address)) return `ws://${loopbackOf(address.host)}:${address.port}${below}`;
  const socket = address.path.split("/").map(encodeURIComponent).join("/");
  return below === "" ? `ws+unix:${socket}` : `ws+unix:${socket}:${below}/v1/connect`;
}

function loopbackOf(host: string): string {
  if (host === "::") return "[::1]";
  if (host === "0.0.0.0") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
