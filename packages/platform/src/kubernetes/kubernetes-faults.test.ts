import { describe, expect, it } from "vitest";
import type { FakeKubernetes, KubeFault } from "../testing/fake-kubernetes.js";
import { begin, ownPod, POD } from "../testing/watched-kubernetes.js";

const verbsOf = (kube: FakeKubernetes) => kube.calls.map((call) => call.split(" ")[0]);

describe("a watch that ends", () => {
  it("goes on within a second from the last version it heard of, without a list", async () => {
    const { kube, watcher, watching, rested, next, signals, states } = await begin();
    await watching();
    kube.bookmark();
    const seen = kube.version;
    kube.endWatches("clean");
    expect(await rested()).toBeLessThanOrEqual(1_000);
    expect(watcher.state).toEqual({ kind: "watching" });
    await next();
    await watching(2);
    expect(verbsOf(kube)).toEqual(["list", "watch", "watch"]);
    expect(kube.queries.at(-1)?.get("resourceVersion")).toBe(seen);
    expect(states.map((state) => state.kind)).toEqual(["watching"]);
    expect(signals).toEqual([]);
  });

  it("by a cut connection is a failure, and goes on", async () => {
    const { kube, watcher, becomes, watching, next } = await begin();
    await watching();
    kube.endWatches("cut");
    await becomes("degraded");
    expect(watcher.state).toMatchObject({ error: { code: "connection_failed" } });
    await next();
    await watching(2);
    expect(verbsOf(kube)).toEqual(["list", "watch", "watch"]);
  });

  it("with 410 Gone as an event begins with a list", async () => {
    const { kube, watching, next, states } = await begin();
    await watching();
    kube.tell("ERROR", { kind: "Status", code: 410, message: "too old" });
    await next();
    await watching(2);
    expect(verbsOf(kube)).toEqual(["list", "watch", "list", "watch"]);
    expect(states.map((state) => state.kind)).toEqual(["watching"]);
  });

  it("and is answered with 410 Gone when it goes on begins with a list", async () => {
    const { kube, watching, next, rested, states } = await begin();
    await watching();
    kube.endWatches("clean");
    kube.faults.set("watch", { kind: "status", status: 410 });
    await next();
    await rested();
    kube.faults.clear();
    await next();
    await watching(2);
    expect(verbsOf(kube)).toEqual(["list", "watch", "watch", "list", "watch"]);
    expect(states.map((state) => state.kind)).toEqual(["watching"]);
  });

  it("drains if the new list no longer has the pod", async () => {
    const { kube, becomes, watching, next, rested, signals } = await begin();
    await watching();
    kube.tell("ERROR", { kind: "Status", code: 410, message: "too old" });
    await rested();
    kube.remove(POD);
    await next();
    await becomes("draining");
    expect(signals[0]?.reason).toBe(`pod ${POD} no longer exists`);
  });

  it("by another error event is a failure", async () => {
    const { kube, watcher, becomes, watching } = await begin();
    await watching();
    kube.tell("ERROR", { kind: "Status", code: 500, message: "etcd is away" });
    await becomes("degraded");
    expect(watcher.state).toMatchObject({
      error: { message: expect.stringContaining("HTTP 500: etcd is away") },
    });
  });

  it("never, on a dead connection, is given up after 260 s", async () => {
    const { kube, watcher, becomes, watching, world } = await begin();
    await watching();
    await world.advance(259_999);
    expect(watcher.state.kind).toBe("watching");
    await world.advance(1);
    await becomes("degraded");
    expect(watcher.state).toMatchObject({ error: { code: "timeout" } });
    expect(kube.calls.length).toBe(2);
  });
});

describe("what fails", () => {
  const faults: readonly (readonly [string, KubeFault, RegExp])[] = [
    ["throttling", { kind: "status", status: 429, message: "slow down" }, /HTTP 429: slow down/],
    ["a server error", { kind: "status", status: 503, message: "away" }, /HTTP 503: away/],
    ["a server that is gone", { kind: "cut" }, /could not (list|watch) pods in moorings: /],
  ];
  const each = (["list", "watch"] as const).flatMap((verb) =>
    faults.map((fault) => [...fault, verb] as const),
  );
  it.each(each)("%s backs off up to 30 s and never drains", async (_name, fault, message, verb) => {
    const { kube, watcher, watching, next, rested, world, signals, states } = await begin({}, (fake) => {
      fake.put(ownPod());
      fake.faults.set(verb, fault);
    });
    const failedAt = world.wallTime();
    for (const ceilingMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]) {
      const restMs = await rested();
      expect(restMs).toBeGreaterThanOrEqual(250);
      expect(restMs).toBeLessThanOrEqual(ceilingMs);
      expect(watcher.state).toMatchObject({
        kind: "degraded",
        since: failedAt,
        nextTryAt: world.wallTime() + restMs,
        error: { code: "connection_failed", message: expect.stringMatching(message) },
      });
      await next();
    }
    await rested();
    expect(verbsOf(kube).filter((each) => each === verb).length).toBe(9);
    expect(new Set(states.map((state) => state.kind))).toEqual(new Set(["degraded"]));
    kube.faults.clear();
    await next();
    await watching();
    expect(signals).toEqual([]);
  });

  const asked: readonly (readonly [string, KubeFault, number, string])[] = [
    ["429 by its header", { kind: "status", status: 429, retryAfter: "7" }, 7_000, "it asked for 7 s"],
    ["503 by its header", { kind: "status", status: 503, retryAfter: "12" }, 12_000, "it asked for 12 s"],
    ["429 by its Status", { kind: "status", status: 429, retryAfterSeconds: 9 }, 9_000, "it asked for 9 s"],
    [
      "503 for longer than a watcher may be blind",
      { kind: "status", status: 503, retryAfter: "3600" },
      60_000,
      "it asked for 3600 s, more than the 60 s that are waited at most",
    ],
  ];
  it.each(asked.flatMap((each) => (["list", "watch"] as const).map((verb) => [...each, verb] as const)))(
    "a server that asks to be left alone with %s is",
    async (_name, fault, askedMs, said, verb) => {
      const { kube, watching, next, rested, logged } = await begin({}, (fake) => {
        fake.put(ownPod());
        fake.faults.set(verb, fault);
      });
      const restMs = await rested();
      expect(restMs).toBeGreaterThanOrEqual(askedMs);
      expect(restMs).toBeLessThanOrEqual(1.1 * askedMs);
      expect(logged.at(-1)).toContain(said);
      kube.faults.clear();
      await next();
      await watching();
    },
  );

  it("a watch that is ended by throttling waits for as long as it says", async () => {
    const { kube, becomes, watching, rested } = await begin();
    await watching();
    const details = { retryAfterSeconds: 8 };
    kube.tell("ERROR", { kind: "Status", code: 429, message: "slow down", details });
    await becomes("degraded");
    expect(await rested()).toBeGreaterThanOrEqual(8_000);
  });

  it.each(["list", "watch"] as const)("a %s that is not answered is given up after 10 s", async (verb) => {
    const { kube, watcher, becomes, until, world } = await begin({}, (fake) => {
      fake.put(ownPod());
      fake.faults.set(verb, { kind: "silence" });
    });
    await until(() => expect(verbsOf(kube).at(-1)).toBe(verb));
    await world.advance(9_999);
    expect(watcher.state.kind).toBe("starting");
    await world.advance(1);
    await becomes("degraded");
    expect(watcher.state).toMatchObject({
      error: { code: "timeout", message: expect.stringContaining(`could not ${verb}`) },
    });
  });

  const denials = [
    [
      "list",
      403,
      "forbidden",
      "may not list pods in moorings: the service account needs the RBAC rule 'pods: list': no",
    ],
    [
      "watch",
      403,
      "forbidden",
      "may not watch pods in moorings: the service account needs the RBAC rule 'pods: watch': no",
    ],
    [
      "list",
      401,
      "unauthenticated",
      "the API server does not know who asks to list pods in moorings: mount the service account token: no",
    ],
  ] as const;
  it.each(denials)(
    "%s %i is loud, says what to change, and waits 5 minutes",
    async (verb, status, code, message) => {
      const { kube, watcher, watching, next, rested, logged, signals } = await begin({}, (fake) => {
        fake.put(ownPod());
        fake.faults.set(verb, { kind: "status", status });
      });
      const restMs = await rested();
      expect(watcher.state).toMatchObject({ kind: "degraded", error: { code, message } });
      expect(logged).toEqual([
        `error the platform watcher cannot see: ${message}; the next try is in ${(restMs / 1_000).toFixed(1)} s`,
      ]);
      expect(restMs).toBeGreaterThanOrEqual(270_000);
      expect(restMs).toBeLessThanOrEqual(330_000);
      kube.faults.clear();
      await next();
      await watching();
      expect(signals).toEqual([]);
    },
  );

  it.each([
    ["no JSON", "<html>"],
    ["no version", "{}"],
  ])("an answer that is not the API's (%s) is a failure", async (_what, body) => {
    const { watcher, becomes } = await begin({}, (fake) => fake.faults.set("list", { kind: "body", body }));
    await becomes("degraded");
    expect(watcher.state).toMatchObject({ error: { code: "connection_failed" } });
  });
});

describe("stop", () => {
  it("ends an open watch", async () => {
    const { kube, watcher, watching, until } = await begin();
    await watching();
    await watcher.stop();
    expect(watcher.state).toEqual({ kind: "stopped" });
    await until(() => expect(kube.watching).toBe(0));
  });

  it.each(["list", "watch"] as const)("does not wait for a %s that is not answered", async (verb) => {
    const { kube, watcher, until, world } = await begin({}, (fake) =>
      fake.faults.set(verb, { kind: "silence" }),
    );
    await until(() => expect(verbsOf(kube).at(-1)).toBe(verb));
    await watcher.stop();
    expect(watcher.state).toEqual({ kind: "stopped" });
    expect(world.pendingTimers).toBe(0);
  });
});
