import { defined, guarded, TurnQueue, type Logger, type Runtime } from "@hawser/runtime";
import { takesUpgrades, type Acceptor, type SocketInfo, type UpgradeAcceptor } from "@hawser/transport";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { tlsReasonOf, type ListenerOutcomes } from "./listener-outcomes.js";
import type { PendingSocket } from "./pending-socket.js";
import { firstBytes, readProtocol, type ApplicationProtocol } from "./read-protocol.js";
import type { TlsEndpoint } from "./tls-endpoint.js";
import { unsupportedProtocolAnswer } from "./unsupported-protocol.js";

/** TLS handshakes of clients that have begun theirs: each takes a millisecond or more. */
export const TLS_HANDSHAKES = { perTurn: 2, perSecond: 400 };

export interface AdmittedSocketsParts {
  readonly runtime: Runtime;
  readonly acceptors: readonly Acceptor[];
  /** The acceptors learn that the socket came by the control plane's own port. */
  readonly internal: boolean;
  /** Absent: plaintext. */
  readonly tls: TlsEndpoint | undefined;
  readonly outcomes: ListenerOutcomes;
  /** The client at this address has shown a good certificate. */
  readonly known: (address: string) => void;
  /** An acceptor has cut the socket of this address, because it held too much. */
  readonly overBudget: (address: string) => void;
}

/** Takes admitted sockets through TLS and protocol detection to the acceptor of their protocol. */
export class AdmittedSockets {
  readonly #parts: AdmittedSocketsParts;
  readonly #acceptors: ReadonlyMap<ApplicationProtocol, Acceptor>;
  readonly #upgrader: UpgradeAcceptor | undefined;
  readonly #logger: Logger;
  readonly #handshakes: TurnQueue;

  constructor(parts: AdmittedSocketsParts) {
    this.#parts = parts;
    this.#acceptors = new Map(parts.acceptors.map((acceptor) => [acceptor.alpn, acceptor]));
    this.#upgrader = parts.acceptors.find(takesUpgrades);
    this.#logger = parts.runtime.logger;
    this.#handshakes = new TurnQueue(parts.runtime, TLS_HANDSHAKES);
  }

  begin(pending: PendingSocket): void {
    const { entry } = pending;
    const { tls } = this.#parts;
    if (entry.kind === "upgrade") {
      this.#certified(pending);
      return this.#handOver(pending, (info) => this.#upgrader?.acceptUpgrade(entry.upgrade, info));
    }
    if (tls === undefined) return this.#readProtocol(pending, entry.socket);
    pending.stage = "tls";
    // Many sockets may stay silent and begin their handshakes all at once.
    firstBytes(entry.socket, () =>
      this.#handshakes.run(() => this.guarded(entry.socket, () => this.#secure(pending, entry.socket, tls))),
    );
  }

  /** An error that `step` throws in an event of one socket ends that socket alone. */
  guarded(socket: Duplex, step: () => void): void {
    guarded(step, (err) => {
      this.#logger.error({ err }, "a connection ended by an error of this side");
      socket.destroy();
    });
  }

  #secure(pending: PendingSocket, socket: Socket, tls: TlsEndpoint): void {
    if (socket.destroyed) return;
    tls.secure(
      socket,
      (secured, certificate) =>
        this.guarded(socket, () => {
          pending.certificate = certificate;
          this.#certified(pending);
          this.#secured(pending, secured);
        }),
      (error) => this.#parts.outcomes.notSecured(pending.address, error),
    );
  }

  #certified({ certificate, address }: PendingSocket): void {
    if (certificate?.kind === "usable") this.#parts.known(address);
  }

  #secured(pending: PendingSocket, secured: TLSSocket): void {
    // A client that does not trust this side says so after the handshake is complete here (RFC 8446,
    // section 4.4.4).
    secured.on("error", (error) => {
      if (tlsReasonOf(error)?.includes("alert") === true)
        this.#parts.outcomes.notSecured(pending.address, error);
    });
    const { alpnProtocol } = secured;
    if (alpnProtocol !== "h2" && alpnProtocol !== "http/1.1") return this.#readProtocol(pending, secured);
    pending.stage = "protocol";
    this.#decided(pending, secured, alpnProtocol);
  }

  #readProtocol(pending: PendingSocket, socket: Socket): void {
    pending.stage = "protocol";
    readProtocol(socket, (protocol) =>
      this.guarded(pending.socket, () => this.#decided(pending, socket, protocol)),
    );
  }

  #decided(pending: PendingSocket, socket: Socket, protocol: ApplicationProtocol): void {
    const acceptor = this.#acceptors.get(protocol);
    if (acceptor !== undefined) return this.#handOver(pending, (info) => acceptor.accept(socket, info));
    // The socket stays pending until the client has gone, so the same bound and deadline hold.
    this.#parts.outcomes.count("unsupportedProtocol");
    pending.stage = "unsupported";
    socket.end(unsupportedProtocolAnswer(protocol));
    // Unread bytes at close would become a reset, which can overtake the answer.
    socket.resume();
  }

  #handOver(pending: PendingSocket, accept: (info: SocketInfo) => void): void {
    pending.stage = "handedOver";
    const { outcomes, internal, overBudget } = this.#parts;
    const { address, certificate, refusal } = pending;
    if (refusal === undefined) outcomes.count("handedOver");
    accept({
      address,
      overBudget: () => overBudget(address),
      ...defined({ certificate, internal: internal ? true : undefined, refusal }),
    });
  }
}
