import { hostname } from "node:os";
import { readFile } from "node:fs/promises";
import { HawserError } from "@hawser/protocol";
import { systemRuntime, type Lifecycle, type Runtime } from "@hawser/runtime";
import { DrainWatcher, type WatcherOptions } from "../drain-watcher.js";
import { member } from "../json-member.js";
import { limitedCall } from "../limited-call.js";
import type { PlatformLimits } from "../platform-windows.js";
import type { PlatformWatcherState } from "../watcher-state.js";
import { connectKube } from "./kube-client.js";
import { kubeFailure } from "./kube-failure.js";
import type { KubernetesSignal } from "./kubernetes-signal.js";
import { KubernetesSource, REQUEST_TIMEOUT_MS, type KubeFeed } from "./kubernetes-source.js";
import { EndpointReader, PodReader } from "./signal-reader.js";

/** The signal to watch and the API server. A pod needs no options. */
export interface KubernetesWatcherOptions extends WatcherOptions {
  /** @default own pod */
  readonly signal?: KubernetesSignal;
  /** @default POD_NAME (downward API), then the host name */
  readonly pod?: string;
  /** @default POD_NAMESPACE (downward API), then that of the service account */
  readonly namespace?: string;
  /** URL of an API server without authentication, such as `kubectl proxy`. @default in-cluster */
  readonly server?: string;
}

/** The pod's limits, as far as readable. */
export interface KubernetesLimits {
  readonly limits: Pick<PlatformLimits, "terminationGraceMs">;
  /** Failed reads, for example without a permission. */
  readonly errors: readonly HawserError[];
}

/** Watches the own pod or its endpoint, from `start` to `stop`. */
export interface KubernetesWatcher extends Lifecycle {
  readonly state: PlatformWatcherState;
  /** Input of `checkPlatformWindows`, as far as readable. After `start`. */
  limits(): Promise<KubernetesLimits>;
}

/**
 * Reports when Kubernetes removes this pod. `start` throws HawserError `invalid_config` for
 * unusable settings, outside a cluster, or without the client library.
 */
export function createKubernetesWatcher(options: KubernetesWatcherOptions): KubernetesWatcher {
  const runtime = options.runtime ?? systemRuntime();
  const pod = options.pod ?? process.env["POD_NAME"] ?? hostname();
  const source = new KubernetesSource(runtime, async () => {
    const namespace = await findNamespace(options.namespace);
    const selected = feedOf(options.signal ?? { kind: "pod" }, pod);
    return { ...selected, namespace, client: await connectKube(options.server, runtime.clock) };
  });
  const watcher = new DrainWatcher(source, { ...options, runtime });
  return {
    start: () => watcher.start(),
    stop: () => watcher.stop(),
    get state() {
      return watcher.state;
    },
    limits: () => readLimits(source, pod, runtime),
  };
}

function feedOf(signal: KubernetesSignal, pod: string): Omit<KubeFeed, "client" | "namespace"> {
  if (signal.kind === "pod")
    return { kind: "pods", selector: { fieldSelector: `metadata.name=${pod}` }, reader: new PodReader(pod) };
  const address = signal.address ?? process.env["POD_IP"];
  if (address === undefined)
    throw new HawserError("invalid_config", "own address is not known: set POD_IP by the downward API");
  return {
    kind: "endpointslices",
    selector: { labelSelector: `kubernetes.io/service-name=${signal.service}` },
    reader: new EndpointReader(signal.service, address),
  };
}

const NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

async function findNamespace(given: string | undefined): Promise<string> {
  const named = given ?? process.env["POD_NAMESPACE"];
  if (named !== undefined) return named;
  const read = await readFile(NAMESPACE_FILE, "utf8").catch(() => "");
  if (read.trim() !== "") return read.trim();
  throw new HawserError(
    "invalid_config",
    "the namespace is not known: set POD_NAMESPACE by the downward API",
  );
}

async function readLimits(
  source: KubernetesSource,
  name: string,
  runtime: Runtime,
): Promise<KubernetesLimits> {
  const { client, namespace } = source.feed;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  try {
    const pod = await limitedCall(
      runtime.timers,
      REQUEST_TIMEOUT_MS,
      new AbortController().signal,
      (signal) => client.read(path, {}, signal),
    );
    const seconds = member(pod, "spec", "terminationGracePeriodSeconds");
    return {
      limits: typeof seconds === "number" ? { terminationGraceMs: seconds * 1_000 } : {},
      errors: [],
    };
  } catch (thrown) {
    return {
      limits: {},
      errors: [kubeFailure(`get pod ${name} in ${namespace}`, "pods: get", thrown).cause],
    };
  }
}
