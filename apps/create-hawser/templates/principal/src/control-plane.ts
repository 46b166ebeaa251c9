import { createPrincipal } from "@hawser/principal";
import { createPrincipalMetrics } from "@hawser/metrics";
import { createApiServer } from "@hawser/principal-api";
import { systemRuntime } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import type { Logger } from "pino";
import { byTokensOf } from "./agent-tokens.js";
import { heating } from "./heating.js";
import type { Settings } from "./settings.js";

/** The principal, its HTTP API and what it does with what agents report. Given the store, so that tests take one in memory. */
export function createControlPlane(settings: Settings, store: Store, logger: Logger) {
  const runtime = systemRuntime(logger);
  const metrics = createPrincipalMetrics();
  const principal = createPrincipal({
    store,
    runtime,
    acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
    listen: { host: settings.host, port: settings.port },
    observer: metrics.observer,
    onEvent: heating(() => principal),
    ...(settings.agentTokensFile === undefined ? {} : { authenticate: byTokensOf(settings.agentTokensFile) }),
  });
  metrics.watch(principal);
  const api = createApiServer({
    host: settings.host,
    port: settings.apiPort,
    principal,
    metrics,
    logger,
    runtime,
    ...(settings.apiToken === undefined ? {} : { token: settings.apiToken }),
  });
  return {
    principal,
    /** The API first, so that one can look at a principal that is still starting. Answers with the ports. */
    async start() {
      const { port: apiPort } = await api.start();
      const { address } = await principal.start();
      return { port: address?.port, apiPort };
    },
    /** Lets the agents go, which come back by themselves, and then everything else. */
    async stop() {
      await principal.stop();
      await api.stop();
    },
  };
}
