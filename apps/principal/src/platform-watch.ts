import {
  checkPlatformWindows,
  type DrainSignal,
  type PlatformLimits,
  type PlatformSource,
  type PlatformWatcherState,
} from "@hawser/platform";
import { createElbWatcher } from "@hawser/platform/elb";
import { createKubernetesWatcher } from "@hawser/platform/kubernetes";
import type { HawserError } from "@hawser/protocol";
import { defined, type Lifecycle, type Runtime } from "@hawser/runtime";
import { drainOptions } from "./drain-options.js";
import { ownTargetOf } from "./platform-settings.js";
import type { PrincipalSettings } from "./settings.js";

interface Watcher extends Lifecycle {
  limits(): Promise<{ readonly limits: PlatformLimits; readonly errors: readonly HawserError[] }>;
}

/**
 * Watches what the settings name and holds the drain against the limits of the platform.
 *
 * `start` rejects with `invalid_config` for what cannot work, such as a package that is not installed. It does not wait for the platform.
 */
export function createPlatformWatch(
  settings: PrincipalSettings,
  runtime: Runtime,
  onDraining: (signal: DrainSignal) => void,
): Lifecycle {
  const watchers = watchersOf(settings, runtime, onDraining);
  const stopping = new AbortController();
  return {
    async start() {
      for (const watcher of watchers) await watcher.start();
      // The platform may be slow or away, and a principal has to serve all the same. Watchers' limits never reject.
      void warnOfWindows(settings, runtime, watchers, stopping.signal);
    },
    async stop() {
      stopping.abort();
      await Promise.all(watchers.map((watcher) => watcher.stop()));
    },
  };
}

function watchersOf(
  settings: PrincipalSettings,
  runtime: Runtime,
  onDraining: (signal: DrainSignal) => void,
): readonly Watcher[] {
  const { watchElbTargetGroup, watchKubernetes, watchKubernetesApi } = settings;
  const options = (source: PlatformSource) => ({ runtime, onDraining, onState: logState(runtime, source) });
  const watchers: Watcher[] = [];
  if (watchElbTargetGroup !== undefined)
    watchers.push(
      createElbWatcher({
        targetGroupArns: watchElbTargetGroup,
        own: ownTargetOf(settings),
        ...options("elb"),
      }),
    );
  if (watchKubernetes !== undefined)
    watchers.push(
      createKubernetesWatcher({
        signal: watchKubernetes,
        ...defined({ server: watchKubernetesApi }),
        ...options("kubernetes"),
      }),
    );
  return watchers;
}

/** That it sees, and what it waits for; what goes wrong the watcher logs itself. */
function logState({ logger }: Runtime, source: PlatformSource) {
  return (state: PlatformWatcherState): void => {
    if (state.kind !== "watching") return;
    const { waitingFor } = state;
    logger.info(
      { source, ...defined({ waiting_for: waitingFor }) },
      waitingFor === undefined
        ? "the platform watcher sees this process"
        : `the platform watcher waits for ${waitingFor}`,
    );
  };
}

async function warnOfWindows(
  settings: PrincipalSettings,
  { logger }: Runtime,
  watchers: readonly Watcher[],
  stopping: AbortSignal,
): Promise<void> {
  const known = await Promise.all(watchers.map((watcher) => watcher.limits()));
  // What was asked is broken off by the stop: that is no news to whoever wanted it.
  if (stopping.aborted) return;
  for (const { code, message } of known.flatMap(({ errors }) => errors))
    logger.warn(
      { code },
      `a limit of the platform cannot be read, so the drain is not held against it: ${message}`,
    );
  const { stopTimeout } = settings;
  const warnings = checkPlatformWindows({
    drain: drainOptions(settings),
    // Where no pings are sent, the heartbeats are what keeps a quiet session alive.
    keepAliveMs: settings.pingInterval === 0 ? settings.heartbeatInterval : settings.pingInterval,
    ...defined({ stopTimeoutMs: stopTimeout }),
    ...known.reduce<PlatformLimits>((all, { limits }) => ({ ...all, ...limits }), {}),
  });
  for (const warning of warnings) logger.warn({}, warning);
}
