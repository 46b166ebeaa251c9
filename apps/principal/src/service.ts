import { createPrincipal, type BoundAddress, type Principal, type PrincipalOptions } from "@hawser/principal";
import { createApiServer, createMetrics } from "@hawser/principal/api";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { createLevelStore } from "@hawser/store-level";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { drainOptions } from "./drain-options.js";
import { createPlatformWatch } from "./platform-watch.js";
import type { Security } from "./security.js";
import type { PrincipalSettings } from "./settings.js";
import { VERSION } from "./version.js";

/** Where it can be reached. */
export interface Serving {
  readonly listen: BoundAddress;
  readonly api: BoundAddress;
  readonly internal?: BoundAddress;
}

export interface PrincipalService extends Lifecycle<Serving> {
  readonly principal: Principal;
}

/** The internal port, and the gate in front of the agents' port. */
function twoPhases(settings: PrincipalSettings): Pick<PrincipalOptions, "internal" | "gate"> {
  const { internalListen, settle, gateTimeout, gateFallback } = settings;
  if (internalListen === undefined) return {};
  const fallback = { afterMs: gateTimeout, action: gateFallback === "open" ? "open" : "fail" } as const;
  return {
    internal: {
      listen: internalListen,
      selfLogin: ({ port }) =>
        createWebSocketDialer({
          url: `ws://${loopbackOf(internalListen.host)}:${port}`,
          subprotocol: "cloudevents.json",
        }),
    },
    gate: { settleMs: settle, fallback },
  };
}

/** Where this very process reaches an address it has bound. */
function loopbackOf(host: string): string {
  if (host === "::") return "[::1]";
  if (host === "0.0.0.0") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** Wires store, transports, principal and API together, and starts and stops them in the right order. */
export function createService(
  settings: PrincipalSettings,
  security: Security,
  runtime: Runtime,
): PrincipalService {
  const store = createLevelStore({
    directory: settings.dataDir,
    runtime,
    limits: { maxEntries: settings.mailboxMaxEntries, maxBytes: settings.mailboxMaxBytes },
  });
  const metrics = createMetrics();
  const principal = createPrincipal({
    store,
    runtime,
    acceptors: [createWebSocketAcceptor({ runtime }), createGrpcAcceptor({ runtime })],
    listen: {
      ...settings.listen,
      ...(security.tls === undefined ? {} : { tls: security.tls }),
      admission: { ratePerSecond: settings.admissionRate, rampMs: settings.admissionRamp },
    },
    ...twoPhases(settings),
    ...(security.authenticate === undefined ? {} : { authenticate: security.authenticate }),
    observer: metrics.observer,
    window: settings.window,
    maxSessions: settings.maxSessions,
    timing: { maxSessionAgeMs: settings.maxSessionAge },
    stop: drainOptions(settings),
  });
  const platform = createPlatformWatch(settings, runtime, ({ reason }) => {
    // Before it serves there is nobody to let go; a start that fails ends it anyway.
    const drain = (): Promise<unknown> => principal.drain({ ...drainOptions(settings), reason });
    void starting?.then(drain, () => {});
  });
  metrics.watch(principal);
  const api = createApiServer({
    ...settings.apiListen,
    runtime,
    principal,
    metrics,
    version: VERSION,
    ...(security.apiToken === undefined ? {} : { token: security.apiToken }),
  });
  let starting: Promise<Serving> | undefined;
  let stopping: Promise<void> | undefined;

  async function start(): Promise<Serving> {
    try {
      // First what can only be refused: a fleet that came to a principal which then ends would come again and again.
      await platform.start();
      await store.start();
      const apiAddress = await api.start();
      const { address, internalAddress } = await principal.start();
      const internal = internalAddress === undefined ? {} : { internal: internalAddress };
      return { listen: address ?? settings.listen, api: apiAddress, ...internal };
    } catch (thrown) {
      await stop();
      throw thrown;
    }
  }

  async function stop(): Promise<void> {
    // The API goes on telling the state until the last session is gone; the store goes last, for everything writes to it.
    await platform.stop();
    await principal.stop();
    await api.stop();
    await store.stop();
  }

  return {
    principal,
    start: () => (starting ??= start()),
    stop: () => (stopping ??= stop()),
  };
}
