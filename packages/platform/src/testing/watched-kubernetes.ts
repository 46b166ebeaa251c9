// Loaded here, so that no test's time limit has to allow for it.
import "@kubernetes/client-node";
import { expect, onTestFinished } from "vitest";
import { FakeKubernetes } from "./fake-kubernetes.js";
import { createWatched } from "./watched.js";
import { REQUEST_TIMEOUT_MS, WATCH_TIMEOUT_MS } from "../kubernetes/kubernetes-source.js";
import { createKubernetesWatcher, type KubernetesWatcherOptions } from "../kubernetes/kubernetes-watcher.js";

export const POD = "principal-0";
export const ADDRESS = "10.1.0.7";
export const PODS = "/api/v1/namespaces/moorings/pods";

export function ownPod(fields: Readonly<Record<string, unknown>> = {}) {
  return { metadata: { name: POD, uid: "1", ...fields }, spec: { terminationGracePeriodSeconds: 45 } };
}

/** A slice of the Service's endpoints with own address in it. */
export function slice(name: string, ready: boolean | undefined, addresses = [ADDRESS]) {
  return {
    metadata: { name },
    endpoints: [{ addresses, conditions: ready === undefined ? {} : { ready } }],
  };
}

/** A fake API server with own pod in it, and a watcher of it that has been started. An option that is `undefined` is left out. */
export async function begin(
  options: {
    readonly [Name in keyof KubernetesWatcherOptions]?: KubernetesWatcherOptions[Name] | undefined;
  } = {},
  first: (kube: FakeKubernetes) => void = (kube) => kube.put(ownPod()),
) {
  const kube = await new FakeKubernetes().start();
  first(kube);
  const watched = createWatched([REQUEST_TIMEOUT_MS, WATCH_TIMEOUT_MS]);
  const given = { pod: POD, namespace: "moorings", server: kube.url, ...options };
  const watcher = createKubernetesWatcher({
    ...watched.options,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  });
  onTestFinished(() => watcher.stop());
  await watcher.start();
  const { until } = watched;
  return {
    kube,
    watcher,
    ...watched,
    becomes: (kind: string) => until(() => expect(watcher.state.kind).toBe(kind)),
    /** Waits until the nth watch is open, so that what changes now is told. */
    watching: (nth = 1) =>
      until(() => expect([kube.watchesOpened, watcher.state.kind]).toEqual([nth, "watching"])),
  };
}
