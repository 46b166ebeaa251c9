import type { Lifecycle, Logger, Runtime } from "@hawser/runtime";
import type { Acceptor, SocketInfo } from "@hawser/transport";
import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { formatAddress } from "./bind-error.js";
import { bindPort } from "./bind-port.js";
import type { ApplicationProtocol } from "./http2-preface.js";
import type { BoundAddress, ListenerOptions } from "./listener-options.js";
import { resolveListenerOptions, type ListenerSettings } from "./listener-settings.js";
import { ListenerCounts, type ListenerStats } from "./listener-stats.js";
import { readProtocol } from "./read-protocol.js";
import { certificateName, TlsEndpoint } from "./tls-endpoint.js";
import { UndecidedSockets, type Undecided } from "./undecided-sockets.js";
import { unsupportedProtocolAnswer } from "./unsupported-protocol.js";

export interface ListenerParts {
  readonly runtime: Runtime;
  /** Who takes the sockets, one per protocol. Started before this listener and stopped after it, by their owner. */
  readonly acceptors: readonly Acceptor[];
}

export interface Listener extends Lifecycle<BoundAddress> {
  /** What became of the sockets so far. */
  stats(): ListenerStats;
}

/**
 * The one external port. It finds out which protocol a client speaks (TLS: by ALPN; plaintext, or a client without ALPN: by its first bytes)
 * and hands the socket to the acceptor of that protocol.
 *
 * `start` throws a HawserError `port_in_use` or `address_unavailable`; `stop` closes the port and cuts sockets that have not told their
 * protocol, and leaves those that were handed over alone.
 *
 * @throws HawserError `invalid_config`
 */
export function createListener(options: ListenerOptions, parts: ListenerParts): Listener {
  return new FrontListener(resolveListenerOptions(options), parts);
}

class FrontListener implements Listener {
  readonly #settings: ListenerSettings;
  readonly #acceptors: ReadonlyMap<ApplicationProtocol, Acceptor>;
  readonly #logger: Logger;
  readonly #counts = new ListenerCounts();
  readonly #undecided: UndecidedSockets;
  readonly #tls: TlsEndpoint | undefined;
  #server: Server | undefined;

  constructor(settings: ListenerSettings, { runtime, acceptors }: ListenerParts) {
    this.#settings = settings;
    this.#acceptors = new Map(acceptors.map((acceptor) => [acceptor.alpn, acceptor]));
    this.#logger = runtime.logger;
    this.#undecided = new UndecidedSockets({
      max: settings.maxUndecided,
      timeoutMs: settings.helloTimeoutMs,
      timers: runtime.timers,
      timedOut: ({ stage, address }) => {
        if (stage === "refused") return;
        this.#counts.count("helloTimeout");
        this.#logger.debug(
          { address, stage, code: "handshake_timeout" },
          "a client did not say what it speaks in time",
        );
      },
      lost: ({ stage }) => {
        if (stage !== "refused") this.#counts.count(stage === "tls" ? "tlsFailed" : "lost");
      },
    });
    const alpn = (["h2", "http/1.1"] as const).filter((name) => this.#acceptors.has(name));
    this.#tls =
      settings.tls &&
      new TlsEndpoint(settings.tls, alpn, settings.helloTimeoutMs, (err) => {
        this.#logger.debug({ err }, "a TLS handshake failed");
      });
  }

  async start(): Promise<BoundAddress> {
    if (this.#server !== undefined) throw new Error("this listener has been started already");
    // Paused, so that nothing is read (and no handshake paid for) before the socket is let in.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#arrived(socket));
    this.#server = server;
    try {
      const bound = await bindPort(server, "listen", this.#settings);
      server.on("error", (err) => this.#logger.error({ err }, "the listener cannot accept a connection"));
      return bound;
    } catch (error) {
      if (this.#server === server) this.#server = undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    // Not waited for: `close` calls back when the last socket is gone, and those handed over live on.
    this.#server?.close();
    this.#server = undefined;
    await this.#undecided.destroyAll();
  }

  stats(): ListenerStats {
    return this.#counts.stats(this.#undecided.size);
  }

  #arrived(socket: Socket): void {
    socket.on("error", ignoreError);
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      this.#counts.count("lost");
      socket.destroy();
      return;
    }
    const stage = this.#tls === undefined ? "protocol" : "tls";
    const undecided = this.#undecided.add(socket, formatAddress(remoteAddress, remotePort), stage);
    if (undecided === undefined) {
      // Said once: under a flood a line for each would cost more than the connection.
      if (this.#counts.count("overCapacity") === 1) {
        const { maxUndecided } = this.#settings;
        this.#logger.warn(
          { max: maxUndecided },
          "too many connections at once that have not said what they speak; closing new ones",
        );
      }
      socket.destroy();
      return;
    }
    this.#admit(undecided);
  }

  /**
   * The place to make a client wait or to turn it away: it has cost an accept and nothing else. Everybody is let in at once.
   */
  #admit(undecided: Undecided): void {
    if (this.#tls === undefined) this.#decideByFirstBytes(undecided, undecided.socket);
    else this.#tls.secure(undecided.socket, (secured) => this.#secured(undecided, secured));
  }

  #secured(undecided: Undecided, secured: TLSSocket): void {
    secured.on("error", ignoreError);
    undecided.stage = "protocol";
    undecided.certificateName = certificateName(secured);
    const { alpnProtocol } = secured;
    if (alpnProtocol === "h2" || alpnProtocol === "http/1.1")
      return this.#decided(undecided, secured, alpnProtocol);
    this.#decideByFirstBytes(undecided, secured);
  }

  #decideByFirstBytes(undecided: Undecided, socket: Socket): void {
    readProtocol(socket, (protocol) => this.#decided(undecided, socket, protocol));
  }

  #decided(undecided: Undecided, socket: Socket, protocol: ApplicationProtocol): void {
    const acceptor = this.#acceptors.get(protocol);
    if (acceptor === undefined) return this.#refuse(undecided, socket, protocol);
    if (!this.#undecided.settle(undecided)) return;
    this.#counts.count("handedOver");
    const { address, certificateName: name } = undecided;
    const info: SocketInfo = { address, ...(name === undefined ? {} : { certificateName: name }) };
    acceptor.accept(socket, info);
  }

  /** The socket stays undecided until the client has gone, so the same bound and deadline hold. */
  #refuse(undecided: Undecided, socket: Socket, protocol: ApplicationProtocol): void {
    this.#counts.count("unsupportedProtocol");
    undecided.stage = "refused";
    socket.end(unsupportedProtocolAnswer(protocol));
    // Unread bytes at close would become a reset, which can overtake the answer.
    socket.resume();
  }
}

/** An error on a socket is followed by `close`, and that is what everything here goes by. */
function ignoreError(): void {}
