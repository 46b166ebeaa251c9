import { createPrincipal, type BoundAddress, type Principal } from "@hawser/principal";
import { createApiServer, createMetrics } from "@hawser/principal/api";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { createLevelStore } from "@hawser/store-level";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import type { Security } from "./security.js";
import type { PrincipalSettings } from "./settings.js";
import { VERSION } from "./version.js";

/** Where it can be reached. */
export interface Serving {
  readonly listen: BoundAddress;
  readonly api: BoundAddress;
}

export interface PrincipalService extends Lifecycle<Serving> {
  readonly principal: Principal;
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
    listen: { ...settings.listen, ...(security.tls === undefined ? {} : { tls: security.tls }) },
    ...(security.authenticate === undefined ? {} : { authenticate: security.authenticate }),
    observer: metrics.observer,
    window: settings.window,
    maxSessions: settings.maxSessions,
    stop: { windowMs: settings.stopWindow },
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
        const { address } = await principal.start();
        return { listen: address ?? settings.listen, api: apiAddress };
      } catch (thrown) {
        await stop();
        throw thrown;
      }
    },
    stop: () => (stopping ??= stop()),
  };
}
