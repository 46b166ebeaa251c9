import { describe, expect, it, vi } from "vitest";
import { ADDRESS, begin, ownPod, POD, PODS, slice } from "../testing/watched-kubernetes.js";

const DELETED_AT = "2026-01-01T00:00:00Z";

describe("own pod", () => {
  it("drains once at its deletionTimestamp, and stops asking", async () => {
    const { kube, watcher, becomes, watching, signals, world, states } = await begin();
    await watching();
    kube.put(ownPod({ deletionTimestamp: DELETED_AT }));
    await becomes("draining");
    const reason = `pod ${POD} is being deleted (deletionTimestamp)`;
    expect(signals).toEqual([{ source: "kubernetes", reason, at: world.wallTime() }]);
    await world.advance(600_000);
    expect(kube.calls).toEqual([`list ${PODS}`, `watch ${PODS}`]);
    await watcher.stop();
    await watcher.stop();
    expect(states.map((state) => state.kind)).toEqual(["watching", "draining", "stopped"]);
    expect(signals.length).toBe(1);
  });

  it("is all that is asked for, from the version of the list", async () => {
    const { kube, watching } = await begin();
    await watching();
    expect(kube.queries.map((query) => Object.fromEntries(query))).toEqual([
      { fieldSelector: `metadata.name=${POD}` },
      {
        fieldSelector: `metadata.name=${POD}`,
        watch: "true",
        allowWatchBookmarks: "true",
        timeoutSeconds: "240",
        resourceVersion: kube.version,
      },
    ]);
  });

  it("that changes otherwise stays", async () => {
    const { kube, watcher, watching, until, signals } = await begin();
    await watching();
    kube.put(ownPod({ labels: { a: "b" } }));
    kube.endWatches("clean");
    await until(() => expect(kube.watching).toBe(0));
    expect(watcher.state).toEqual({ kind: "watching" });
    expect(signals).toEqual([]);
  });

  it("drains at once if it is being deleted already", async () => {
    const { kube, becomes } = await begin({}, (fake) => fake.put(ownPod({ deletionTimestamp: DELETED_AT })));
    await becomes("draining");
    expect(kube.calls).toEqual([`list ${PODS}`]);
  });

  it("drains when it is deleted without a notice", async () => {
    const { kube, becomes, watching, signals } = await begin();
    await watching();
    kube.remove(POD);
    await becomes("draining");
    expect(signals[0]?.reason).toBe(`pod ${POD} was deleted`);
  });

  it("drains when another one has its name", async () => {
    const { kube, becomes, watching, signals } = await begin();
    await watching();
    kube.put(ownPod({ uid: "2" }));
    await becomes("draining");
    expect(signals[0]?.reason).toBe(`pod ${POD} was replaced by another of its name`);
  });

  it("that is not found is waited for", async () => {
    const { kube, watcher, watching, until, signals } = await begin({}, () => {});
    await watching();
    expect(watcher.state).toEqual({ kind: "watching", waitingFor: `pod ${POD}` });
    kube.put(ownPod());
    await until(() => expect(watcher.state).toEqual({ kind: "watching" }));
    expect(signals).toEqual([]);
  });

  it("is named by the downward API", async () => {
    vi.stubEnv("POD_NAME", "other-1");
    vi.stubEnv("POD_NAMESPACE", "harbour");
    const { kube, watching } = await begin({ pod: undefined, namespace: undefined });
    await watching();
    expect(kube.calls[0]).toBe("list /api/v1/namespaces/harbour/pods");
    expect(kube.queries[0]?.get("fieldSelector")).toBe("metadata.name=other-1");
    vi.unstubAllEnvs();
  });
});

describe("endpoints", () => {
  const signal = { kind: "endpoints", service: "principals", address: ADDRESS } as const;
  const left = `${ADDRESS} left the ready endpoints of principals`;

  it("of the Service are asked for", async () => {
    const { kube, watching } = await begin({ signal }, (fake) => fake.put(slice("a", true)));
    await watching();
    expect(kube.calls[1]).toBe("watch /apis/discovery.k8s.io/v1/namespaces/moorings/endpointslices");
    expect(kube.queries[1]?.get("labelSelector")).toBe("kubernetes.io/service-name=principals");
  });

  it.each([
    ["is not ready", slice("a", false)],
    ["is not in it", slice("a", true, ["10.1.0.8"])],
  ])("drains when own address %s, once a list confirms it", async (_how, changed) => {
    const { kube, watcher, becomes, watching, next, rested, signals } = await begin({ signal }, (fake) =>
      fake.put(slice("a", undefined)),
    );
    await watching();
    kube.put(changed);
    expect(await rested()).toBeLessThanOrEqual(1_000);
    expect(watcher.state.kind).toBe("watching");
    await next();
    await becomes("draining");
    expect(signals).toEqual([expect.objectContaining({ reason: left })]);
    expect(kube.calls.map((call) => call.split(" ")[0])).toEqual(["list", "watch", "list"]);
  });

  it("drains when its slice is deleted", async () => {
    const { kube, becomes, watching, next, signals } = await begin({ signal }, (fake) => {
      fake.put(slice("a", true));
      fake.put(slice("b", true, ["10.1.0.8"]));
    });
    await watching();
    kube.remove("a");
    await next();
    await becomes("draining");
    expect(signals[0]?.reason).toBe(left);
  });

  it("own address that moves to another slice stays", async () => {
    const { kube, watcher, watching, next, rested, signals } = await begin({ signal }, (fake) =>
      fake.put(slice("a", true)),
    );
    await watching();
    kube.put(slice("a", true, ["10.1.0.8"]));
    await rested();
    kube.put(slice("b", true));
    await next();
    await watching(2);
    expect(watcher.state).toEqual({ kind: "watching" });
    expect(signals).toEqual([]);
  });

  it("own address that is not ready yet is waited for, and then missed", async () => {
    const { kube, watcher, becomes, watching, next, until } = await begin({ signal }, (fake) =>
      fake.put(slice("a", false)),
    );
    await watching();
    const waitingFor = `${ADDRESS} among the ready endpoints of principals`;
    expect(watcher.state).toEqual({ kind: "watching", waitingFor });
    kube.put(slice("a", true));
    await until(() => expect(watcher.state).toEqual({ kind: "watching" }));
    kube.put(slice("a", false));
    await next();
    await becomes("draining");
  });
});

describe("limits", () => {
  it("are those of the pod, and say what is missing", async () => {
    const { kube, watcher, watching } = await begin();
    await watching();
    expect(await watcher.limits()).toEqual({ limits: { terminationGraceMs: 45_000 }, errors: [] });
    kube.faults.set("get", { kind: "status", status: 403, message: "pods is forbidden" });
    const { limits, errors } = await watcher.limits();
    expect(limits).toEqual({});
    expect(errors.map((error) => error.message)).toEqual([
      `may not get pod ${POD} in moorings: the service account needs the RBAC rule 'pods: get': pods is forbidden`,
    ]);
  });
});

describe("settings that cannot work", () => {
  it.each([
    ["outside a cluster", { server: undefined }, "KUBERNETES_SERVICE_HOST"],
    ["no URL", { server: "here" }, "must be an http(s) URL, not 'here'"],
    ["no namespace", { namespace: undefined }, "POD_NAMESPACE"],
    ["no address", { signal: { kind: "endpoints", service: "principals" } }, "POD_IP"],
  ] as const)("%s: refused at start", async (_what, options, message) => {
    for (const name of ["KUBERNETES_SERVICE_HOST", "POD_NAMESPACE", "POD_IP"]) vi.stubEnv(name, undefined);
    await expect(begin(options)).rejects.toMatchObject({
      code: "invalid_config",
      message: expect.stringContaining(message),
    });
    vi.unstubAllEnvs();
  });
});
