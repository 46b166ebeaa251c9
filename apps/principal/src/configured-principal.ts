import { createPrincipal, type Principal, type PrincipalOptions } from "@hawser/principal";
import type { EventLog } from "@hawser/principal-api";
import { defined, hostAllowList, type Runtime } from "@hawser/runtime";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import type { DescriptorPlan } from "./descriptor-plan.js";
import { drainOptions } from "./drain-options.js";
import { offersHttp2 } from "./offers-http2.js";
import type { Security } from "./security.js";
import type { PrincipalSettings } from "./settings.js";
import { twoPhases } from "./two-phases.js";

/** What the principal of a service is made with, beside its settings. */
export interface PrincipalParts {
  readonly store: PrincipalOptions["store"];
  readonly security: Security;
  readonly eventLog: EventLog;
  readonly descriptors: DescriptorPlan;
  readonly observer: NonNullable<PrincipalOptions["observer"]>;
}

/** The principal that the settings ask for; nothing is started. */
export function createConfiguredPrincipal(
  settings: PrincipalSettings,
  { store, security, eventLog, descriptors, observer }: PrincipalParts,
  runtime: Runtime,
): Principal {
  const { listen, allowHosts, allowOrigins, basePath, proxyProtocol } = settings;
  const allow = hostAllowList(listen.host, { hosts: allowHosts, origins: allowOrigins });
  const stream = { runtime, basePath, keepAliveIntervalMs: settings.pingInterval };
  return createPrincipal({
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
    onEvent: eventLog.onEvent,
    observer,
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
}
