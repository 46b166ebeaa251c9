import type { Agent, AgentObserver } from "@hawser/agent";
import { createAgentMetrics, type AgentMetricsSource } from "@hawser/metrics";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { certificateNotAfter, type HostPort } from "@hawser/service";
import type { AgentSettings } from "../settings.js";
import { VERSION } from "../version.js";
import { createHealthServer } from "./health-server.js";

/** What an agent is watched by, where `--health-listen` asks for it. */
export interface AgentHealth extends Lifecycle<HostPort> {
  /** To be given to `createAgent`. */
  readonly observer: AgentObserver;
}

/** @returns undefined where nobody is to watch; then nothing is counted */
export function createAgentHealth(
  { name, tlsCert, healthListen }: Pick<AgentSettings, "name" | "tlsCert" | "healthListen">,
  watched: { agent(): Pick<Agent, "state"> } & Pick<AgentMetricsSource, "pendingEvents">,
  runtime: Pick<Runtime, "clock" | "logger">,
): AgentHealth | undefined {
  if (healthListen === undefined) return undefined;
  const metrics = createAgentMetrics({ name, version: VERSION });
  metrics.watch({
    pendingEvents: () => watched.pendingEvents(),
    certificateNotAfter: () => (tlsCert === undefined ? undefined : certificateNotAfter(tlsCert)),
  });
  const server = createHealthServer({ agent: () => watched.agent(), metrics, listen: healthListen, runtime });
  return { observer: metrics.observer, start: () => server.start(), stop: () => server.stop() };
}
