import { createPrincipal, type BoundAddress, type Principal, type PrincipalOptions } from "@hawser/principal";
import { createApiServer, createMetrics } from "@hawser/principal/api";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { createLevelStore } from "@hawser/store-level";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
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
    stop: {
      shape: settings.stopShape,
      windowMs: settings.stopWindow,
      leadMs: settings.stopLead,
      returnAfterMs: settings.stopReturn,
    },
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
  let stopping: Promise<void> | undefined;

  async function stop(): Promise<void> {
    // The API goes on telling the state until the last session is gone; the store goes last, for everything writes to it.
    await principal.stop();
    await api.stop();
    await store.stop();
  }

  return {
    principal,
    async start() {
      await store.start();
      try {
        const apiAddress = await api.start();
        const { address, internalAddress } = await principal.start();
        const internal = internalAddress === undefined ? {} : { internal: internalAddress };
        return { listen: address ?? settings.listen, api: apiAddress, ...internal };
      } catch (thrown) {
        await stop();
        throw thrown;
      }
    },
    stop: () => (stopping ??= stop()),
  };
}
