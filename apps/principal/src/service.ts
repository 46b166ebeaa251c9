import { createPrincipal, type BoundAddress, type Principal, type UnixAddress } from "@hawser/principal";
import {
  createApiServer,
  createHealthServer,
  createMetrics,
  type ServedCertificate,
} from "@hawser/principal/api";
import { defined, hostAllowList, type Lifecycle, type Runtime } from "@hawser/runtime";
import { FileReloader, openFilesLimit } from "@hawser/service";
import { createJournalStore } from "@hawser/store-journal";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { createAgentEvents } from "./agent-events.js";
import { announceApi } from "./announce-api.js";
import type { ApiAccess } from "./api-access.js";
import { planDescriptors } from "./descriptor-plan.js";
import { drainOptions } from "./drain-options.js";
import { createPlatformWatch } from "./platform-watch.js";
import { securedBy, type SecuredBy } from "./secured-by.js";
import type { Security } from "./security.js";
import { offersHttp2 } from "./offers-http2.js";
import type { PrincipalSettings } from "./settings.js";
import { twoPhases } from "./two-phases.js";
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

/** Wires store, transports, principal and API together, and starts and stops them in the right order. */
export function createService(
  settings: PrincipalSettings,
  { security, api: apiAccess }: { readonly security: Security; readonly api: ApiAccess },
  runtime: Runtime,
): PrincipalService {
  for (const warning of security.warnings) runtime.logger.warn({}, warning);
  const store = createJournalStore({
    directory: settings.dataDir,
    runtime,
    limits: {
      maxEntries: settings.mailboxMaxEntries,
      maxBytes: settings.mailboxMaxBytes,
      maxIdempotencyAgeMs: settings.idempotencyAge,
      maxIdempotencyKeys: settings.idempotencyKeys,
    },
  });
  const agentEvents = createAgentEvents(settings, runtime);
  const descriptors = planDescriptors(settings, openFilesLimit());
  const { openFiles, maxApiConnections, maxHealthConnections } = descriptors;
  const metrics = createMetrics();
  const { listen, allowHosts, allowOrigins } = settings;
  const allow = hostAllowList(listen.host, { hosts: allowHosts, origins: allowOrigins });
  const { basePath, proxyProtocol } = settings;
  const stream = { runtime, basePath, keepAliveIntervalMs: settings.pingInterval };
  const principal = createPrincipal({
    store,
    runtime,
    acceptors: [
      createWebSocketAcceptor({ ...stream, allow }),
      ...(offersHttp2(settings, runtime.logger) ? [createGrpcAcceptor(stream)] : []),
    ],
    listen: {
      ...listen,
      proxyProtocol,
      ...defined({ tls: security.tls, maxDescriptor: descriptors.maxDescriptor }),
      admission: {
        ratePerSecond: settings.admissionRate,
        rampMs: settings.admissionRamp,
        maxUnauthenticated: descriptors.maxUnauthenticated,
        ...defined({ failuresPerSecond: settings.admissionFailures }),
      },
    },
    ...twoPhases(settings),
    ...security.credentials,
    onEvent: agentEvents.log.onEvent,
    observer: metrics.observer,
    window: settings.window,
    windowBytes: settings.windowBytes,
    readAheadBytes: settings.readAheadBytes,
    rates: {
      eventsPerSecond: settings.agentEventsPerSecond,
      controlsPerSecond: settings.agentControlsPerSecond,
      bytesPerSecond: settings.agentBytesPerSecond,
    },
    maxSessions: descriptors.maxSessions,
    timing: {
      maxSessionAgeMs: settings.maxSessionAge,
      heartbeatIntervalMs: settings.heartbeatInterval,
      heartbeatTimeoutMs: settings.heartbeatTimeout,
    },
    stop: drainOptions(settings),
  });
  const platform = createPlatformWatch(settings, runtime, ({ reason }) => {
    // Before it serves there is nobody to let go; a start that fails ends it anyway.
    const drain = (): Promise<unknown> => principal.drain({ ...drainOptions(settings), reason });
    void starting?.then(drain, () => {});
  });
  metrics.watch(principal);
  metrics.watchEventLog(agentEvents);
  metrics.watchCertificates(certificates);
  const api = createApiServer({
    ...settings.apiListen,
    runtime,
    principal,
    metrics,
    version: VERSION,
    ...defined({ hosts: settings.allowHosts, token: apiAccess.tokens, tls: apiAccess.tls, openFiles }),
    certificates,
    eventLog: agentEvents.log,
    sinks: agentEvents.sinks,
    ...defined({ maxConnections: maxApiConnections }),
  });
  const health =
    settings.healthListen === undefined
      ? undefined
      : createHealthServer({
          principal,
          runtime,
          listen: settings.healthListen,
          ...defined({ maxConnections: maxHealthConnections }),
        });
  const reloader = new FileReloader({
    runtime,
    groups: [...security.reloadable(principal), ...apiAccess.reloadable(api)],
  });
  let withdrawApi: () => void = () => {};
  let starting: Promise<Serving> | undefined;
  let stopping: Promise<void> | undefined;
  let waitsFor: string | undefined;

  function certificates(): readonly ServedCertificate[] {
    const ends = { agents: principal.listener?.certificateNotAfter, api: api.certificateNotAfter };
    return (["agents", "api"] as const).flatMap((port) => {
      const notAfter = ends[port];
      return notAfter === undefined ? [] : [{ port, notAfter }];
    });
  }

  async function start(): Promise<Serving> {
    try {
      // First what can only be refused: a fleet that came to a principal which then ends would come again and again.
      await platform.start();
      // Before the principal, and until after it: the API reads it.
      await store.start();
      await agentEvents.start();
      // Whoever restarts what does not answer has an answer first.
      const healthAddress = await health?.start();
      const apiAddress = await api.start();
      withdrawApi = announceApi(apiAddress, apiAccess.tokenFile, runtime.logger);
      const { address, internalAddress } = await principal.start();
      await reloader.start();
      const internal = internalAddress === undefined ? {} : { internal: internalAddress };
      return {
        listen: address ?? listen,
        api: apiAddress,
        ...internal,
        ...defined({ health: healthAddress }),
        security: securedBy(settings),
      };
    } catch (thrown) {
      await stop();
      throw thrown;
    }
  }

  async function stop(): Promise<void> {
    // The API goes on telling the state until the last session is gone; the store goes last, for everything writes to it.
    reloader.stop();
    waitsFor = "the watchers of the platform";
    await platform.stop();
    waitsFor = "the sessions of its agents";
    await principal.stop();
    withdrawApi();
    waitsFor = "the last requests of the API";
    await api.stop();
    await health?.stop();
    waitsFor = "the sinks of agents' events";
    await agentEvents.stop();
    waitsFor = `the store in ${settings.dataDir}`;
    await store.stop();
  }

  return {
    principal,
    reload: () => reloader.reload("signal"),
    get waitsFor() {
      return waitsFor;
    },
    start: () => (starting ??= start()),
    stop: () => (stopping ??= stop()),
  };
}
