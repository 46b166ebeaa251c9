import type { BoundAddress, ServedCertificate, UnixAddress } from "@hawser/listener";
import { createPrincipalMetrics } from "@hawser/metrics";
import type { Principal, PrincipalOptions } from "@hawser/principal";
import { createApiServer, createHealthServer, type ApiServer } from "@hawser/principal-api";
import { defined, type Lifecycle, type Runtime } from "@hawser/runtime";
import { FileReloader, openFilesLimit } from "@hawser/service";
import { createJournalStore } from "@hawser/store-journal";
import { createAgentEvents, type AgentEvents } from "./agent-events.js";
import { announceApi } from "./announce-api.js";
import type { ApiAccess } from "./api-access.js";
import { createConfiguredPrincipal } from "./configured-principal.js";
import { planDescriptors } from "./descriptor-plan.js";
import { drainOptions } from "./drain-options.js";
import { createPlatformWatch } from "./platform-watch.js";
import { securedBy, type SecuredBy } from "./secured-by.js";
import type { Security } from "./security.js";
import type { PrincipalSettings } from "./settings.js";
import { VERSION } from "./version.js";

/** Where it can be reached. */
export interface Serving {
  readonly listen: BoundAddress;
  readonly api: BoundAddress;
  readonly internal?: BoundAddress | UnixAddress;
  readonly health?: BoundAddress | UnixAddress;
  readonly security: SecuredBy;
}

export interface PrincipalService extends Lifecycle<Serving> {
  /** What its stop still waits for. */
  readonly waitsFor: string | undefined;
  readonly principal: Principal;
  /** Files of certificates and tokens are looked at now. */
  reload(): Promise<void>;
}

/** Who may connect to it, as loaded from files and settings. */
export interface Access {
  readonly security: Security;
  readonly api: ApiAccess;
}

/** Wires store, transports, principal and API together, and starts and stops them in the right order. */
export function createService(
  settings: PrincipalSettings,
  access: Access,
  runtime: Runtime,
): PrincipalService {
  return new HostedPrincipal(settings, access, runtime);
}

class HostedPrincipal implements PrincipalService {
  readonly principal: Principal;
  readonly #settings: PrincipalSettings;
  readonly #access: Access;
  readonly #runtime: Runtime;
  readonly #store: PrincipalOptions["store"];
  readonly #agentEvents: AgentEvents;
  readonly #platform: Lifecycle;
  readonly #api: ApiServer;
  readonly #health: Lifecycle<BoundAddress | UnixAddress> | undefined;
  readonly #reloader: FileReloader;
  #withdrawApi: () => void = () => {};
  #starting: Promise<Serving> | undefined;
  #stopping: Promise<void> | undefined;
  #waitsFor: string | undefined;

  constructor(settings: PrincipalSettings, access: Access, runtime: Runtime) {
    this.#settings = settings;
    this.#access = access;
    this.#runtime = runtime;
    const { security } = access;
    for (const warning of security.warnings) runtime.logger.warn({}, warning);
    this.#store = createStore(settings, runtime);
    this.#agentEvents = createAgentEvents(settings, runtime);
    const eventLog = this.#agentEvents.log;
    const descriptors = planDescriptors(settings, openFilesLimit());
    const metrics = createPrincipalMetrics();
    const parts = { store: this.#store, security, eventLog, descriptors, observer: metrics.observer };
    this.principal = createConfiguredPrincipal(settings, parts, runtime);
    this.#platform = createPlatformWatch(settings, runtime, ({ reason }) => this.#drain(reason));
    const certificates = (): readonly ServedCertificate[] => this.#certificates();
    metrics.watch(this.principal);
    metrics.watchEventLog(this.#agentEvents);
    metrics.watchCertificates(certificates);
    const common = { runtime, principal: this.principal };
    const { openFiles, maxApiConnections, maxHealthConnections } = descriptors;
    this.#api = createApiServer({
      ...common,
      ...settings.apiListen,
      metrics,
      version: VERSION,
      ...defined({ hosts: settings.allowHosts, token: access.api.tokens, tls: access.api.tls, openFiles }),
      certificates,
      eventLog,
      sinks: this.#agentEvents.sinks,
      ...defined({ maxConnections: maxApiConnections }),
    });
    const { healthListen: health } = settings;
    if (health !== undefined)
      this.#health = createHealthServer({
        ...common,
        listen: health,
        ...defined({ maxConnections: maxHealthConnections }),
      });
    this.#reloader = new FileReloader({
      runtime,
      groups: [...security.reloadable(this.principal), ...access.api.reloadable(this.#api)],
    });
  }

  get waitsFor(): string | undefined {
    return this.#waitsFor;
  }

  reload(): Promise<void> {
    return this.#reloader.reload("signal");
  }

  start(): Promise<Serving> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<Serving> {
    try {
      // First what can only be refused: a fleet that came to a principal which then ends would come again and again.
      await this.#platform.start();
      // Before the principal, and until after it: the API reads it.
      await this.#store.start();
      await this.#agentEvents.start();
      // Whoever restarts what does not answer has an answer first.
      const health = await this.#health?.start();
      const api = await this.#api.start();
      this.#withdrawApi = announceApi(api, this.#access.api.tokenFile, this.#runtime.logger);
      const { address, internalAddress: internal } = await this.principal.start();
      await this.#reloader.start();
      return {
        listen: address ?? this.#settings.listen,
        api,
        ...defined({ internal, health }),
        security: securedBy(this.#settings),
      };
    } catch (thrown) {
      await this.#stop();
      throw thrown;
    }
  }

  async #stop(): Promise<void> {
    // The API goes on telling the state until the last session is gone; the store goes last, for everything writes to it.
    this.#reloader.stop();
    this.#waitsFor = "the watchers of the platform";
    await this.#platform.stop();
    this.#waitsFor = "the sessions of its agents";
    await this.principal.stop();
    this.#withdrawApi();
    this.#waitsFor = "the last requests of the API";
    await this.#api.stop();
    await this.#health?.stop();
    this.#waitsFor = "the sinks of agents' events";
    await this.#agentEvents.stop();
    this.#waitsFor = `the store in ${this.#settings.dataDir}`;
    await this.#store.stop();
  }

  /** The platform takes this process away. Before it serves there is nobody to let go; a start that fails ends it anyway. */
  #drain(reason: string): void {
    const drain = (): Promise<unknown> => this.principal.drain({ ...drainOptions(this.#settings), reason });
    void this.#starting?.then(drain, () => {});
  }

  #certificates(): readonly ServedCertificate[] {
    const ends = { agents: this.principal.listener?.certificateNotAfter, api: this.#api.certificateNotAfter };
    return (["agents", "api"] as const).flatMap((port) => {
      const notAfter = ends[port];
      return notAfter === undefined ? [] : [{ port, notAfter }];
    });
  }
}

function createStore(settings: PrincipalSettings, runtime: Runtime): PrincipalOptions["store"] {
  return createJournalStore({
    directory: settings.dataDir,
    runtime,
    limits: {
      maxEntries: settings.mailboxMaxEntries,
      maxBytes: settings.mailboxMaxBytes,
      maxIdempotencyAgeMs: settings.idempotencyAge,
      maxIdempotencyKeys: settings.idempotencyKeys,
    },
  });
}
