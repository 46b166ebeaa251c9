import { HawserError } from "@hawser/protocol";
import { guarded, TurnQueue, type Lifecycle, type Logger, type Runtime } from "@hawser/runtime";
import {
  AcceptFailures,
  takesUpgrades,
  type Acceptor,
  type SocketInfo,
  type Upgrade,
  type UpgradeAcceptor,
} from "@hawser/transport";
import type { IncomingMessage } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { ApplicationProtocol } from "./http2-preface.js";
import type {
  BoundAddress,
  ListenerOptions,
  ListenerTls,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
  UpgradeSource,
} from "./listener-options.js";
import { resolveAdmissionSettings, type AdmissionSettings } from "./admission/admission-settings.js";
import {
  resolveListenerOptions,
  resolveUnixListenerOptions,
  resolveUpgradeListenerOptions,
  type ListenerSettings,
} from "./listener-settings.js";
import { firstBytes } from "./first-bytes.js";
import { formatAddress } from "./bind-error.js";
import { ListenerCounts, type ListenerStats } from "./listener-stats.js";
import { ProxiedSockets } from "./proxy-protocol/proxied-sockets.js";
import { readProtocol } from "./read-protocol.js";
import { descriptorOf } from "./socket-descriptor.js";
import { TlsEndpoint } from "./tls-endpoint.js";
import { unsupportedProtocolAnswer } from "./unsupported-protocol.js";
import { upgradeEntry, upgradePeer } from "./upgrade-entry.js";
import type { Arrival, Settlement, Turn, Visitor } from "./visitor.js";
import { Visitors, type AdmissionTimes, type DropReason } from "./visitors.js";

/** The control plane's own peers are few, and are not to wait for anybody: only their number is bounded. */
const UNLIMITED = { ratePerSecond: 100_000, burst: 100_000, rampMs: 0 } as const;

/** What a listener is put together from, besides its options. */
export interface ListenerParts {
  readonly runtime: Runtime;
  /** Who takes the sockets, one per protocol. Started before this listener and stopped after it, by their owner. */
  readonly acceptors: readonly Acceptor[];
  /** Whether this is the control plane's own port; the acceptors are told. @default false */
  readonly internal?: boolean;
}

/** A port (or a Unix socket) in front of the acceptors: it lets sockets in at a bounded rate and hands each to the acceptor of its protocol. */
export interface Listener<Address = BoundAddress> extends Lifecycle<Address> {
  /**
   * Takes a request to upgrade from an HTTP server that is there already (its event `upgrade`), if it is for an acceptor here: what holds for a socket at the port holds for it from here on, the line
   * first. While this listener is not started it is answered with 503 and a time to come back. False for a request that is for somebody else: nothing of it was touched. Never throws.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, source?: UpgradeSource): boolean;
  /**
   * Resolves when this connection may become a session, so that no more open in a second than the settings say; or when it is gone. A connection whose socket had its
   * turn before, a further stream of HTTP/2, stands in line like a new socket, and may be refused.
   */
  turn(connection: Arrival): Promise<Turn>;
  /** A connection was begun on a socket that came by here: it counts as unauthenticated until it is `settled`, and is cut where there are too many. */
  opened(connection: Arrival): void;
  /** The peer at this address has shown a good credential: it stays when others have to go. */
  known(address: string): void;
  /** This connection became a session, or ended: its place is for somebody else. */
  settled(connection: Arrival, became: Settlement): AdmissionTimes | undefined;
  /** When somebody who is refused behind this listener is to come back: a slot of its own. In milliseconds from now. */
  slot(): number;
  /** Changes how fast and how many are let in; what is not named stays. @throws HawserError `invalid_config` */
  configure(admission: Partial<AdmissionSettings>): void;
  /**
   * Handshakes that begin from here on use these; sessions that are open stay. Only for a listener that has TLS.
   *
   * @throws HawserError `invalid_config` when they are not usable; the old ones stay
   */
  secure(tls: ListenerTls): void;
  /** When the certificate that it shows ends, in Unix milliseconds. Undefined without TLS. */
  readonly certificateNotAfter: number | undefined;
  /** What became of the sockets so far. */
  stats(): ListenerStats;
}

/**
 * A port in front of all transports. A socket waits here, unread, until its turn comes, before anything is paid for it; then this finds out which protocol
 * the client speaks (TLS: by ALPN; plaintext, or a client without ALPN: by its first bytes) and hands the socket to the acceptor of that protocol. Whoever finds the
 * line full is told when to come back in that protocol, too.
 *
 * `start` throws a HawserError `port_in_use` or `address_unavailable`; `stop` closes the port and cuts sockets that were not handed over, and leaves the others alone.
 *
 * With `by: "upgrade"` there is no port, and sockets come by `handleUpgrade` alone.
 *
 * @throws HawserError `invalid_config`
 */
export function createListener(options: ListenerOptions, parts: ListenerParts): Listener;
export function createListener(
  options: ListenerOptions | UpgradeListenerOptions,
  parts: ListenerParts,
): Listener<BoundAddress | undefined>;
export function createListener(
  options: ListenerOptions | UpgradeListenerOptions,
  parts: ListenerParts,
): Listener<BoundAddress> | Listener<BoundAddress | undefined> {
  if (!("by" in options)) return new FrontListener(resolveListenerOptions("listen", options), parts);
  if (!parts.acceptors.some(takesUpgrades))
    throw new HawserError(
      "invalid_config",
      'listen.by is "upgrade", and none of the acceptors takes upgrades; give createWebSocketAcceptor() (gRPC needs a port of its own)',
    );
  return new FrontListener(resolveUpgradeListenerOptions(options), parts);
}

/**
 * The control plane's own port or Unix socket: as `createListener`, but its acceptors are told, and it lets everybody in at once.
 *
 * @throws HawserError `invalid_config`
 */
export function createInternalListener(
  options: Omit<ListenerOptions, "admission"> | UnixListenerOptions,
  parts: ListenerParts,
): Listener<BoundAddress | UnixAddress> {
  const option = "internal.listen";
  const internal = { ...parts, internal: true };
  return "path" in options
    ? new FrontListener(resolveUnixListenerOptions(option, { ...options, admission: UNLIMITED }), internal)
    : new FrontListener(resolveListenerOptions(option, { ...options, admission: UNLIMITED }), internal);
}

/** Of clients that have begun theirs: each takes a millisecond or more. */
export const TLS_HANDSHAKES = { perTurn: 2, perSecond: 400 };

class FrontListener<Address> implements Listener<Address> {
  readonly #settings: ListenerSettings<Address>;
  readonly #acceptors: ReadonlyMap<ApplicationProtocol, Acceptor>;
  readonly #internal: boolean;
  readonly #runtime: Runtime;
  readonly #logger: Logger;
  readonly #counts = new ListenerCounts();
  readonly #tls: TlsEndpoint | undefined;
  readonly #proxied: ProxiedSockets | undefined;
  readonly #acceptFailures: AcceptFailures;
  readonly #handshakes: TurnQueue;
  #admission: AdmissionSettings;
  #visitors: Visitors;
  readonly #upgrader: UpgradeAcceptor | undefined;
  #server: Server | undefined;
  /** Whether sockets that others have accepted are let in, too. */
  #isOpen = false;
  #upgrades = 0;
  #hasMissedHeader = false;

  constructor(settings: ListenerSettings<Address>, { runtime, acceptors, internal = false }: ListenerParts) {
    this.#settings = settings;
    this.#admission = settings.admission;
    this.#acceptors = new Map(acceptors.map((acceptor) => [acceptor.alpn, acceptor]));
    this.#upgrader = acceptors.find(takesUpgrades);
    this.#internal = internal;
    this.#runtime = runtime;
    this.#logger = runtime.logger;
    this.#acceptFailures = new AcceptFailures(runtime);
    this.#handshakes = new TurnQueue(runtime, TLS_HANDSHAKES);
    this.#visitors = this.#welcome();
    const { proxyProtocol } = settings;
    this.#proxied =
      proxyProtocol.length === 0 ? undefined : new ProxiedSockets(proxyProtocol, runtime.timers);
    const alpn = (["h2", "http/1.1"] as const).filter((name) => this.#acceptors.has(name));
    this.#tls = settings.tls && new TlsEndpoint(settings.tls, alpn, settings.admission.handshakeTimeoutMs);
  }

  async start(): Promise<Address> {
    if (this.#server !== undefined)
      throw new HawserError(
        "invalid_state",
        "this listener has been started already; stop it before you start it again",
      );
    // Paused, so that nothing is read (and no handshake paid for) before the socket is let in.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) =>
      this.#guarded(socket, () => this.#arrived(socket)),
    );
    this.#server = server;
    try {
      const bound = await this.#settings.endpoint.bind(server);
      server.on("error", (err) =>
        this.#acceptFailures.tell({ err }, "the listener cannot accept a connection"),
      );
      // The ramp begins with the open port.
      this.#visitors = this.#welcome();
      this.#isOpen = true;
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
    this.#isOpen = false;
    await this.#visitors.clear();
  }

  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { client }: UpgradeSource = {},
  ): boolean {
    if (this.#upgrader?.takesUpgrade(request) !== true) return false;
    // The server it came by has let go of it, so an error that nobody hears would end the process.
    socket.on("error", ignoreError);
    this.#guarded(socket, () => this.#upgradeArrived({ request, socket, head }, client));
    return true;
  }

  turn(connection: Arrival): Promise<Turn> {
    return this.#visitors.turn(connection);
  }

  opened(connection: Arrival): void {
    this.#visitors.opened(connection);
  }

  known(address: string): void {
    this.#visitors.known(address);
  }

  settled(connection: Arrival, became: Settlement): AdmissionTimes | undefined {
    return this.#visitors.settled(connection, became);
  }

  slot(): number {
    return this.#visitors.slot();
  }

  configure(admission: Partial<AdmissionSettings>): void {
    this.#admission = resolveAdmissionSettings({ ...this.#admission, ...admission });
    this.#visitors.configure(this.#admission);
  }

  secure(tls: ListenerTls): void {
    if (this.#tls === undefined)
      throw new HawserError("invalid_config", "this listener was begun without TLS");
    this.#tls.replace(tls);
  }

  get certificateNotAfter(): number | undefined {
    return this.#tls?.notAfter;
  }

  stats(): ListenerStats {
    return this.#counts.stats(this.#visitors.stats());
  }

  #welcome(): Visitors {
    return new Visitors({
      runtime: this.#runtime,
      settings: this.#admission,
      begin: (visitor) => this.#guarded(visitor.socket, () => this.#begin(visitor)),
      dropped: (visitor, why) => this.#dropped(visitor, why),
      streamCut: (address) => this.#overBudget(address),
      lost: ({ stage }) => {
        if (stage !== "unsupported") this.#counts.count(stage === "tls" ? "tlsFailed" : "lost");
      },
    });
  }

  /** What throws in an event of one socket ends this socket. */
  #guarded(socket: Duplex, step: () => void): void {
    guarded(step, (err) => {
      this.#logger.error({ err }, "a connection ended by an error of this side");
      socket.destroy();
    });
  }

  #arrived(socket: Socket): void {
    socket.on("error", ignoreError);
    if (this.#isBeyondDescriptors(socket)) return;
    const peer = this.#settings.endpoint.peerOf(socket);
    if (peer === undefined) {
      this.#counts.count("lost");
      socket.destroy();
      return;
    }
    const entry = { kind: "accepted", socket } as const;
    if (this.#proxied?.covers(socket) !== true) return this.#visitors.add(entry, peer);
    const visitors = this.#visitors;
    const expected = visitors.expect(entry, peer);
    if (expected === undefined) return;
    this.#proxied.read(socket, (proxied) =>
      this.#guarded(socket, () => {
        if (proxied.kind === "none") return this.#notProxied(peer);
        if (proxied.kind === "gone") return;
        const { source } = proxied;
        visitors.introduced(expected, source === undefined ? peer : formatAddress(source.host, source.port));
      }),
    );
  }

  #upgradeArrived(upgrade: Upgrade, client: string | undefined): void {
    if (this.#isBeyondDescriptors(upgrade.socket)) return;
    this.#upgrades += 1;
    const peer = upgradePeer(upgrade, client, this.#upgrades);
    if (peer === undefined) {
      this.#counts.count("lost");
      upgrade.socket.destroy();
      return;
    }
    const entry = upgradeEntry(upgrade);
    if (this.#isOpen) this.#visitors.add(entry, peer);
    else this.#visitors.turnAway(entry, peer);
  }

  // Where the system itself is out of descriptors, Node closes connections without telling anybody, and the API, its probes and the store fail with them. So this ends before.
  #isBeyondDescriptors(socket: Duplex): boolean {
    const { maxDescriptor } = this.#settings;
    if (maxDescriptor === undefined || (descriptorOf(socket) ?? 0) < maxDescriptor) return false;
    this.#counts.count("outOfDescriptors");
    socket.destroy();
    this.#acceptFailures.tell(
      { maxDescriptor },
      "out of file descriptors: new connections are closed until others end; raise the limit of open files (LimitNOFILE=, ulimit -n)",
    );
    return true;
  }

  #notProxied(address: string): void {
    // A load balancer that is not told to send the header would fill the log with a line a connection.
    if (this.#hasMissedHeader) return;
    this.#hasMissedHeader = true;
    this.#logger.warn(
      { address },
      "a connection came from a load balancer of proxyProtocol without its header; tell the load balancer to send it. Said once",
    );
  }

  #dropped({ address, stage }: Visitor, why: DropReason): void {
    if (why === "budget") return this.#overBudget(address);
    if (why === "timeout") {
      if (stage !== "unsupported") this.#counts.count("handshakeTimeout");
      this.#logger.debug({ address, stage, code: "handshake_timeout" }, "a handshake took too long");
      return;
    }
    // Said once: under a flood a line for each would cost more than the connection.
    if (this.#counts.count("overCapacity") > 1) return;
    const { maxRefusing } = this.#admission;
    this.#logger.warn(
      { max: maxRefusing },
      "more connections come than can be told in time to come back; closing them without a word",
    );
  }

  #overBudget(address: string): void {
    if (this.#counts.count("overBudget") > 1) return;
    const { maxUnauthenticated: max } = this.#admission;
    this.#logger.warn(
      { max, address },
      "too many connections are no session yet, or hold too much; closing those of the address with the most",
    );
  }

  #begin(visitor: Visitor): void {
    const { entry } = visitor;
    if (entry.kind === "upgrade") return this.#beginUpgrade(visitor, entry.upgrade);
    if (this.#tls === undefined) {
      visitor.stage = "protocol";
      return this.#decideByFirstBytes(visitor, entry.socket);
    }
    visitor.stage = "tls";
    const tls = this.#tls;
    // Many may be silent at first and begin their handshakes all at once.
    firstBytes(entry.socket, () =>
      this.#handshakes.run(() => this.#guarded(entry.socket, () => this.#secure(visitor, entry.socket, tls))),
    );
  }

  #beginUpgrade(visitor: Visitor, upgrade: Upgrade): void {
    if (visitor.certificate?.kind === "usable") this.#visitors.known(visitor.address);
    this.#handOver(visitor, (info) => this.#upgrader?.acceptUpgrade(upgrade, info));
  }

  #secure(visitor: Visitor, socket: Socket, tls: TlsEndpoint): void {
    if (socket.destroyed) return;
    tls.secure(
      socket,
      (secured, certificate) =>
        this.#guarded(socket, () => {
          visitor.certificate = certificate;
          if (certificate?.kind === "usable") this.#visitors.known(visitor.address);
          this.#secured(visitor, secured);
        }),
      (error) => this.#notSecured(visitor, error),
    );
  }

  /** A client that does not trust this side, shows nothing good or speaks no TLS is somebody's mistake; one that only goes away, as health checks do, is not. */
  #notSecured({ address }: Visitor, error: Error): void {
    const reason = tlsReasonOf(error);
    const fields = { address, code: "connection_failed", reason: reason ?? error.message };
    if (reason === undefined) this.#logger.debug(fields, "a TLS handshake was broken off");
    else this.#logger.warn(fields, `a TLS handshake failed: ${reason}`);
  }

  #complained(visitor: Visitor, error: Error): void {
    if (tlsReasonOf(error)?.includes("alert") === true) this.#notSecured(visitor, error);
  }

  #secured(visitor: Visitor, secured: TLSSocket): void {
    // Who does not trust this side says so when it is through on this side (RFC 8446, section 4.4.4).
    secured.on("error", (error) => this.#complained(visitor, error));
    visitor.stage = "protocol";
    const { alpnProtocol } = secured;
    if (alpnProtocol === "h2" || alpnProtocol === "http/1.1")
      return this.#decided(visitor, secured, alpnProtocol);
    this.#decideByFirstBytes(visitor, secured);
  }

  #decideByFirstBytes(visitor: Visitor, socket: Socket): void {
    readProtocol(socket, (protocol) =>
      this.#guarded(visitor.socket, () => this.#decided(visitor, socket, protocol)),
    );
  }

  #decided(visitor: Visitor, socket: Socket, protocol: ApplicationProtocol): void {
    const acceptor = this.#acceptors.get(protocol);
    if (acceptor === undefined) return this.#refuse(visitor, socket, protocol);
    this.#handOver(visitor, (info) => acceptor.accept(socket, info));
  }

  #handOver(visitor: Visitor, accept: (info: SocketInfo) => void): void {
    visitor.stage = "handedOver";
    const { address, certificate, refusal } = visitor;
    if (refusal === undefined) this.#counts.count("handedOver");
    accept({
      address,
      overBudget: () => this.#overBudget(address),
      ...(certificate === undefined ? {} : { certificate }),
      ...(this.#internal ? { internal: true } : {}),
      ...(refusal === undefined ? {} : { refusal }),
    });
  }

  /** The socket stays a visitor until the client has gone, so the same bound and deadline hold. */
  #refuse(visitor: Visitor, socket: Socket, protocol: ApplicationProtocol): void {
    this.#counts.count("unsupportedProtocol");
    visitor.stage = "unsupported";
    socket.end(unsupportedProtocolAnswer(protocol));
    // Unread bytes at close would become a reset, which can overtake the answer.
    socket.resume();
  }
}

/** An error on a socket is followed by `close`, and that is what everything here goes by. */
function ignoreError(): void {}

/** What OpenSSL calls it; undefined for what is no failure of TLS. */
function tlsReasonOf(error: Error): string | undefined {
  return "reason" in error && typeof error.reason === "string" ? error.reason : undefined;
}
