import type { IncomingMessage } from "node:http";
import type { PeerInfo, SocketInfo } from "@hawser/transport";
import type { HttpRefusal } from "./http-refusal.js";
import { DEFAULT_PATH } from "./stream-settings.js";
import { chooseSubprotocol, type Subprotocol } from "./subprotocol.js";

/** Which requests become WebSockets, and what the others are told. */
export class UpgradePolicy {
  readonly #endpoint: string;
  readonly #subprotocols: readonly Subprotocol[];

  constructor(basePath: string, subprotocols: readonly Subprotocol[]) {
    this.#endpoint = `${basePath.replace(/\/+$/, "")}${DEFAULT_PATH}`;
    this.#subprotocols = subprotocols;
  }

  subprotocolOf(request: IncomingMessage): Subprotocol | undefined {
    return chooseSubprotocol(request.headers["sec-websocket-protocol"] ?? "", this.#subprotocols);
  }

  /** Why an upgrade request is refused; undefined when it is not. */
  refuseUpgrade(request: IncomingMessage): HttpRefusal | undefined {
    if (pathOf(request) !== this.#endpoint) return this.#notFound();
    if (this.subprotocolOf(request) !== undefined) return undefined;
    const message = `Offer one of these subprotocols: ${this.#subprotocols.join(", ")}.`;
    return { status: 400, code: "unsupported_subprotocol", message };
  }

  /** What a request that asks for no upgrade is told. */
  refuseRequest(request: IncomingMessage): HttpRefusal {
    if (pathOf(request) !== this.#endpoint) return this.#notFound();
    return {
      status: 426,
      code: "invalid_message",
      message: "This endpoint speaks WebSocket; send an upgrade request.",
      headers: { upgrade: "websocket" },
    };
  }

  #notFound(): HttpRefusal {
    return { status: 404, code: "not_found", message: `Agents connect at ${this.#endpoint}.` };
  }
}

/** What is known of the peer behind an upgrade request. */
export function peerInfo(
  { address, certificateName, internal }: SocketInfo,
  request: IncomingMessage,
): PeerInfo {
  const { authorization } = request.headers;
  return {
    address,
    ...(authorization === undefined ? {} : { authorization }),
    ...(certificateName === undefined ? {} : { certificateName }),
    ...(internal === undefined ? {} : { internal }),
  };
}

/** Without the query, and with or without a slash at its end. */
function pathOf(request: IncomingMessage): string {
  return ((request.url ?? "").split("?", 1)[0] ?? "").replace(/\/$/, "");
}
