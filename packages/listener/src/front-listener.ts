import { HawserError, startedTwice } from "@hawser/protocol";
import { AcceptFailures, takesUpgrades, type Upgrade, type UpgradeAcceptor } from "@hawser/transport";
import type { Runtime } from "@hawser/runtime";
import type { IncomingMessage } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { resolveAdmissionSettings, type AdmissionSettings } from "./admission/admission-settings.js";
import { AdmittedSockets } from "./admitted-sockets.js";
import { formatAddress } from "./endpoint.js";
import type { ListenerTls, UpgradeSource } from "./listener-options.js";
import { ListenerOutcomes, type ListenerStats } from "./listener-outcomes.js";
import type { ListenerSettings } from "./listener-settings.js";
import type { Listener, ListenerParts } from "./listener.js";
import type { AdmissionDecision, AdmissionTimes, Handshake, HandshakeOutcome } from "./pending-socket.js";
import { PendingSockets } from "./pending-sockets.js";
import { ProxiedSockets } from "./proxy-protocol/proxied-sockets.js";
import { descriptorOf } from "./socket-descriptor.js";
import { TlsEndpoint } from "./tls-endpoint.js";
import { upgradeEntry, upgradePeer } from "./upgrade-entry.js";

/** A listener: from an accepted socket, or an upgrade, to its place in line. */
export class FrontListener<Address> implements Listener<Address> {
  readonly #settings: ListenerSettings<Address>;
  readonly #runtime: Runtime;
  readonly #outcomes: ListenerOutcomes;
  readonly #tls: TlsEndpoint | undefined;
  readonly #proxied: ProxiedSockets | undefined;
  readonly #acceptFailures: AcceptFailures;
  readonly #upgrader: UpgradeAcceptor | undefined;
  readonly #admitted: AdmittedSockets;
  #admission: AdmissionSettings;
  #pendingSockets: PendingSockets;
  #server: Server | undefined;
  /** Whether upgrades from other servers are admitted, too. */
  #isOpen = false;
  #upgrades = 0;

  constructor(settings: ListenerSettings<Address>, { runtime, acceptors, internal = false }: ListenerParts) {
    this.#settings = settings;
    this.#admission = settings.admission;
    this.#upgrader = acceptors.find(takesUpgrades);
    this.#runtime = runtime;
    this.#outcomes = new ListenerOutcomes(runtime.logger);
    this.#acceptFailures = new AcceptFailures(runtime);
    this.#pendingSockets = this.#createPendingSockets();
    const { proxyProtocol } = settings;
    this.#proxied =
      proxyProtocol.length === 0 ? undefined : new ProxiedSockets(proxyProtocol, runtime.timers);
    const alpn = (["h2", "http/1.1"] as const).filter((name) => acceptors.some((each) => each.alpn === name));
    this.#tls = settings.tls && new TlsEndpoint(settings.tls, alpn, settings.admission.handshakeTimeoutMs);
    this.#admitted = new AdmittedSockets({
      runtime,
      acceptors,
      internal,
      tls: this.#tls,
      outcomes: this.#outcomes,
      known: (address) => this.known(address),
      overBudget: (address) => this.#outcomes.overBudget(address, this.#admission),
    });
  }

  async start(): Promise<Address> {
    if (this.#server !== undefined) throw startedTwice("this listener");
    // Paused, so that nothing is read (and no handshake paid for) before the socket is admitted.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) =>
      this.#admitted.guarded(socket, () => this.#arrived(socket)),
    );
    this.#server = server;
    try {
      const bound = await this.#settings.endpoint.bind(server);
      server.on("error", (err) =>
        this.#acceptFailures.tell({ err }, "the listener cannot accept a connection"),
      );
      // The ramp begins with the open port.
      this.#pendingSockets = this.#createPendingSockets();
      this.#isOpen = true;
      return bound;
    } catch (error) {
      if (this.#server === server) this.#server = undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    // Not awaited: `close` calls back when the last socket is gone, and those handed over live on.
    this.#server?.close();
    this.#server = undefined;
    this.#isOpen = false;
    await this.#pendingSockets.clear();
  }

  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { client }: UpgradeSource = {},
  ): boolean {
    if (this.#upgrader?.takesUpgrade(request) !== true) return false;
    // The server has removed its listeners, and an error without a listener would end the process.
    socket.on("error", ignoreError);
    this.#admitted.guarded(socket, () => this.#upgradeArrived({ request, socket, head }, client));
    return true;
  }

  awaitAdmission(connection: Handshake): Promise<AdmissionDecision> {
    return this.#pendingSockets.awaitAdmission(connection);
  }

  opened(connection: Handshake): void {
    this.#pendingSockets.opened(connection);
  }

  known(address: string): void {
    this.#pendingSockets.known(address);
  }

  handshakeDone(connection: Handshake, became: HandshakeOutcome): AdmissionTimes | undefined {
    return this.#pendingSockets.handshakeDone(connection, became);
  }

  slot(): number {
    return this.#pendingSockets.slot();
  }

  configure(admission: Partial<AdmissionSettings>): void {
    this.#admission = resolveAdmissionSettings({ ...this.#admission, ...admission });
    this.#pendingSockets.configure(this.#admission);
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
    return this.#outcomes.stats(this.#pendingSockets.stats());
  }

  #createPendingSockets(): PendingSockets {
    return new PendingSockets({
      runtime: this.#runtime,
      settings: this.#admission,
      begin: (pending) => this.#admitted.guarded(pending.socket, () => this.#admitted.begin(pending)),
      dropped: (pending, why) => this.#outcomes.dropped(pending, why, this.#admission),
      streamCut: (address) => this.#outcomes.overBudget(address, this.#admission),
      lost: (pending) => this.#outcomes.lost(pending),
    });
  }

  #arrived(socket: Socket): void {
    socket.on("error", ignoreError);
    if (this.#isBeyondDescriptors(socket)) return;
    const peer = this.#settings.endpoint.peerOf(socket);
    if (peer === undefined) return this.#lost(socket);
    const entry = { kind: "accepted", socket } as const;
    if (this.#proxied?.covers(socket) !== true) return this.#pendingSockets.add(entry, peer);
    const pendingSockets = this.#pendingSockets;
    const expected = pendingSockets.expect(entry, peer);
    if (expected === undefined) return;
    this.#proxied.read(socket, (proxied) =>
      this.#admitted.guarded(socket, () => {
        if (proxied.kind === "none") return this.#outcomes.withoutProxyHeader(peer);
        if (proxied.kind === "gone") return;
        const { source } = proxied;
        pendingSockets.introduced(
          expected,
          source === undefined ? peer : formatAddress(source.host, source.port),
        );
      }),
    );
  }

  #upgradeArrived(upgrade: Upgrade, client: string | undefined): void {
    if (this.#isBeyondDescriptors(upgrade.socket)) return;
    this.#upgrades += 1;
    const peer = upgradePeer(upgrade, client, this.#upgrades);
    if (peer === undefined) return this.#lost(upgrade.socket);
    const entry = upgradeEntry(upgrade);
    if (this.#isOpen) this.#pendingSockets.add(entry, peer);
    else this.#pendingSockets.turnAway(entry, peer);
  }

  /** The peer reset the connection before it had a name here. */
  #lost(socket: Duplex): void {
    this.#outcomes.count("lost");
    socket.destroy();
  }

  // Where the system is out of descriptors, Node closes connections without an event, and the API,
  // its probes and the store fail as well. This bound stops before that.
  #isBeyondDescriptors(socket: Duplex): boolean {
    const { maxDescriptor } = this.#settings;
    if (maxDescriptor === undefined || (descriptorOf(socket) ?? 0) < maxDescriptor) return false;
    this.#outcomes.count("outOfDescriptors");
    socket.destroy();
    this.#acceptFailures.tell(
      { maxDescriptor },
      "out of file descriptors: new connections are closed until others end; raise the limit of open files (LimitNOFILE=, ulimit -n)",
    );
    return true;
  }
}

/** `close` follows an error of a socket, and everything here listens to that. */
function ignoreError(): void {}
