import type { IncomingMessage } from "node:http";
import { refusedSource, type HostAllowList } from "@hawser/runtime";
import type { SocketInfo } from "@hawser/transport";
import type { HttpRefusal } from "./http-refusal.js";
import { DEFAULT_PATH } from "./stream-settings.js";
import { chooseSubprotocol, type Subprotocol } from "./subprotocol.js";

/** Decides which requests become WebSockets, and answers the others. */
export class UpgradePolicy {
  readonly #endpoint: string;
  readonly #subprotocols: readonly Subprotocol[];
  readonly #allow: HostAllowList;

  constructor(basePath: string, subprotocols: readonly Subprotocol[], allow: HostAllowList) {
    this.#endpoint = `${basePath}${DEFAULT_PATH}`;
    this.#subprotocols = subprotocols;
    this.#allow = allow;
  }

  /** Whether the path is the one that agents connect at. */
  isEndpoint(request: IncomingMessage): boolean {
    return pathOf(request) === this.#endpoint;
  }

  subprotocolOf(request: IncomingMessage): Subprotocol | undefined {
    return chooseSubprotocol(request.headers["sec-websocket-protocol"] ?? "", this.#subprotocols);
  }

  /** Why an upgrade request is refused; undefined when it is not. */
  refuseUpgrade(request: IncomingMessage, info: SocketInfo): HttpRefusal | undefined {
    const foreign = this.#refuseSource(request, info);
    if (foreign !== undefined) return foreign;
    if (!this.isEndpoint(request)) return this.#notFound();
    if (this.subprotocolOf(request) !== undefined) return undefined;
    const message = `Offer one of these subprotocols: ${this.#subprotocols.join(", ")}.`;
    return { status: 400, code: "unsupported_subprotocol", message };
  }

  /** The answer to a request without an upgrade. */
  refuseRequest(request: IncomingMessage, info: SocketInfo | undefined): HttpRefusal {
    const foreign = this.#refuseSource(request, info);
    if (foreign !== undefined) return foreign;
    if (!this.isEndpoint(request)) return this.#notFound();
    return {
      status: 426,
      code: "invalid_message",
      message: "This endpoint speaks WebSocket; send an upgrade request.",
      headers: { upgrade: "websocket" },
    };
  }

  // Browsers let any page open a WebSocket anywhere, and identify the page only by these two
  // headers (RFC 6455, section 10.2). The host names are those of the agents' port; on the internal
  // port, which has other names, only the origin is checked.
  #refuseSource(
    { headers: { host, origin } }: IncomingMessage,
    info: SocketInfo | undefined,
  ): HttpRefusal | undefined {
    const allow = info?.internal === true ? { ...this.#allow, hosts: "any" as const } : this.#allow;
    switch (refusedSource(allow, { host, origin })) {
      case undefined:
        return undefined;
      case "origin":
        return forbidden(`Pages of the origin ${quoted(origin)} may not connect; agents send no Origin.`);
      case "host":
        return forbidden(`The host ${quoted(host)} is not one of this principal's.`);
    }
  }

  #notFound(): HttpRefusal {
    return { status: 404, code: "not_found", message: `Agents connect at ${this.#endpoint}.` };
  }
}

function forbidden(message: string): HttpRefusal {
  return { status: 403, code: "forbidden", message };
}

/** A header, cut to what an answer needs. */
function quoted(header: string | undefined): string {
  return JSON.stringify((header ?? "").slice(0, 200));
}

/** Without the query, and with or without a slash at its end. */
function pathOf(request: IncomingMessage): string {
  return ((request.url ?? "").split("?", 1)[0] ?? "").replace(/\/$/, "");
}
