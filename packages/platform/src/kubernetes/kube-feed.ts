import type { CoreV1Api, DiscoveryV1Api, Watch } from "@kubernetes/client-node";
import { HawserError } from "@hawser/protocol";
import { loadPeer } from "../optional-peer.js";

/** Which objects to list and watch. */
export interface FeedSelection {
  readonly kind: "pods" | "endpointslices";
  readonly namespace: string;
  readonly selector: string;
}

export interface KubeApi {
  readonly core: CoreV1Api;
  readonly discovery: DiscoveryV1Api;
  readonly watch: Watch;
}

/**
 * In-cluster credentials by the client library, or a server that asks for none.
 *
 * @throws HawserError `invalid_config` if the library is not installed or this is not a cluster
 */
export async function connectKube(server: string | undefined): Promise<KubeApi> {
  const sdk = await loadPeer("@kubernetes/client-node", () => import("@kubernetes/client-node"));
  const config = new sdk.KubeConfig();
  if (server !== undefined)
    config.loadFromClusterAndUser({ name: "given", server, skipTLSVerify: false }, { name: "nobody" });
  else if ((process.env["KUBERNETES_SERVICE_HOST"] ?? "") !== "") config.loadFromCluster();
  else throw new HawserError("invalid_config", "this is not a pod: KUBERNETES_SERVICE_HOST is not set");
  return {
    core: config.makeApiClient(sdk.CoreV1Api),
    discovery: config.makeApiClient(sdk.DiscoveryV1Api),
    watch: new sdk.Watch(config),
  };
}

export async function listObjects(api: KubeApi, { kind, namespace, selector }: FeedSelection) {
  const answer =
    kind === "pods"
      ? await api.core.listNamespacedPod({ namespace, fieldSelector: selector })
      : await api.discovery.listNamespacedEndpointSlice({ namespace, labelSelector: selector });
  return { items: answer.items, version: answer.metadata?.resourceVersion };
}

/** Resolves once the watch ended, by either side; rejects with what the library reports. */
export async function watchObjects(
  api: KubeApi,
  { kind, namespace, selector }: FeedSelection,
  options: {
    readonly resourceVersion: string | undefined;
    readonly timeoutSeconds: number;
    readonly signal: AbortSignal;
  },
  onEvent: (phase: string, object: unknown) => void,
): Promise<void> {
  const group = kind === "pods" ? "/api/v1" : "/apis/discovery.k8s.io/v1";
  const selected = kind === "pods" ? { fieldSelector: selector } : { labelSelector: selector };
  const { resourceVersion, timeoutSeconds, signal } = options;
  const query = { ...selected, allowWatchBookmarks: true, timeoutSeconds, resourceVersion };
  await new Promise<void>((resolve, reject) => {
    const done = (error: unknown): void => {
      if (signal.aborted || error === null || error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
    };
    const path = `${group}/namespaces/${encodeURIComponent(namespace)}/${kind}`;
    api.watch.watch(path, query, onEvent, done).then((controller) => {
      if (signal.aborted) controller.abort();
      else signal.addEventListener("abort", () => controller.abort(), { once: true });
    }, reject);
    // The library hands its controller over only once the server has answered.
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
