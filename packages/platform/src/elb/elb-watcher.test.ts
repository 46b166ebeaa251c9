// Loaded here, so that no test's time limit has to allow for it.
import "@aws-sdk/client-elastic-load-balancing-v2";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { FakeElb, type FakeFault } from "../testing/fake-elb.js";
import { serve } from "../testing/local-server.js";
import { createWatched } from "../testing/watched.js";
import { DEFAULT_REQUEST_TIMEOUT_MS } from "./elb-source.js";
import { createElbWatcher, type ElbWatcherOptions } from "./elb-watcher.js";

const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef";
const OTHER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/b/0123456789abcdef";
const OWN = { id: "10.0.0.7", port: 7480 };
const NEIGHBOUR = { id: "10.0.0.8", port: 7480, state: "draining" };

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "example");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "example");
  return () => void vi.unstubAllEnvs();
});

async function begin(options: Partial<ElbWatcherOptions> = {}, first?: (elb: FakeElb) => void) {
  const elb = await new FakeElb().start();
  elb.targets.set(ARN, [{ ...OWN, state: "healthy" }, NEIGHBOUR]);
  first?.(elb);
  const watched = createWatched([DEFAULT_REQUEST_TIMEOUT_MS]);
  const watcher = createElbWatcher({
    targetGroupArns: [ARN],
    own: { kind: "target", ...OWN },
    endpoint: elb.url,
    ...watched.options,
    ...options,
  });
  onTestFinished(() => watcher.stop());
  await watcher.start();
  const becomes = (kind: string) => watched.until(() => expect(watcher.state.kind).toBe(kind));
  return { elb, watcher, ...watched, becomes };
}

describe("own target", () => {
  it("drains once when it turns draining, and stops asking", async () => {
    const { elb, watcher, becomes, next, signals, world, states } = await begin();
    await becomes("watching");
    elb.targets.set(ARN, [{ ...OWN, state: "draining" }]);
    await next();
    await becomes("draining");
    expect(signals).toEqual([
      { source: "elb", reason: `own target is draining in ${ARN}`, at: world.wallTime() },
    ]);
    await world.advance(600_000);
    expect(elb.calls.length).toBe(2);
    await watcher.stop();
    await watcher.stop();
    expect(states.map((state) => state.kind)).toEqual(["watching", "draining", "stopped"]);
    expect(signals.length).toBe(1);
  });

  it("polls every 5 s, give or take a tenth", async () => {
    const { elb, next, rested } = await begin();
    const restsMs = [];
    for (let poll = 0; poll < 20; poll += 1) restsMs.push(await next());
    await rested();
    expect(elb.calls.length).toBe(21);
    expect(Math.min(...restsMs)).toBeGreaterThanOrEqual(4_500);
    expect(Math.max(...restsMs)).toBeLessThanOrEqual(5_500);
    expect(new Set(restsMs).size).toBeGreaterThan(1);
  });

  it("that left the group drains at the second answer without it, not the first", async () => {
    const { elb, watcher, becomes, next, rested, signals } = await begin();
    await becomes("watching");
    elb.targets.set(ARN, [NEIGHBOUR]);
    await next();
    await rested();
    expect(watcher.state).toEqual({ kind: "watching" });
    await next();
    await becomes("draining");
    expect(signals[0]?.reason).toBe(`own target left ${ARN}`);
  });

  it("that comes back after one answer without it stays", async () => {
    const { elb, watcher, becomes, next, rested } = await begin();
    await becomes("watching");
    for (const rows of [[NEIGHBOUR], [{ ...OWN, state: "initial" }], [NEIGHBOUR]]) {
      elb.targets.set(ARN, rows);
      await next();
      await rested();
    }
    expect(elb.calls.length).toBe(4);
    expect(watcher.state.kind).toBe("watching");
  });

  it("not registered yet is waited for; a draining one of its address is that of an earlier task", async () => {
    const { elb, watcher, becomes, next, rested, until, signals } = await begin({}, (fake) =>
      fake.targets.set(ARN, [{ ...OWN, state: "draining" }]),
    );
    await becomes("watching");
    expect(watcher.state).toEqual({ kind: "watching", waitingFor: `own target in ${ARN}` });
    elb.targets.set(ARN, []);
    await next();
    await rested();
    elb.targets.set(ARN, [{ ...OWN, state: "initial" }]);
    await next();
    await until(() => expect(watcher.state).toEqual({ kind: "watching" }));
    expect(signals).toEqual([]);
  });

  it("drains when only one of two groups lets it go", async () => {
    const { elb, becomes, next, signals } = await begin({ targetGroupArns: [ARN, OTHER] }, (fake) =>
      fake.targets.set(OTHER, [{ ...OWN, state: "healthy" }]),
    );
    await becomes("watching");
    elb.targets.set(OTHER, [{ ...OWN, state: "draining" }]);
    await next();
    await becomes("draining");
    expect(signals[0]?.reason).toContain(OTHER);
  });
});

describe("what fails", () => {
  const faults: readonly (readonly [string, FakeFault, RegExp])[] = [
    ["throttling", { kind: "error", status: 400, code: "Throttling" }, /Throttling/],
    ["too many requests", { kind: "error", status: 429, code: "TooManyRequests" }, /TooManyRequests/],
    ["a server error", { kind: "error", status: 503, code: "ServiceUnavailable" }, /ServiceUnavailable/],
  ];
  it.each(faults)("%s backs off up to 30 s and never drains", async (_name, fault, message) => {
    const { elb, watcher, becomes, next, rested, world, signals } = await begin();
    await becomes("watching");
    const calls = elb.calls.length;
    elb.faults.set("DescribeTargetHealth", fault);
    await next();
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
    expect(elb.calls.length).toBe(calls + 9);
    elb.faults.clear();
    await next();
    await becomes("watching");
    expect(signals).toEqual([]);
  });

  it("silence ends after 3 s", async () => {
    const { elb, watcher, becomes, next, world } = await begin();
    await becomes("watching");
    elb.faults.set("DescribeTargetHealth", { kind: "silence" });
    await next();
    await world.advance(2_999);
    expect(watcher.state.kind).toBe("watching");
    await world.advance(1);
    await becomes("degraded");
    expect(watcher.state).toMatchObject({ error: { code: "timeout" } });
  });

  it("a server that is gone is tried until it is back", async () => {
    const { elb, watcher, becomes, next, signals } = await begin();
    await becomes("watching");
    elb.faults.set("DescribeTargetHealth", { kind: "cut" });
    await next();
    await becomes("degraded");
    expect(watcher.state).toMatchObject({ error: { code: "connection_failed" } });
    elb.faults.clear();
    await next();
    await becomes("watching");
    expect(signals).toEqual([]);
  });

  const denials: readonly (readonly [string, FakeFault, string, RegExp])[] = [
    [
      "permission",
      { kind: "error", status: 403, code: "AccessDenied" },
      "forbidden",
      /IAM action elasticloadbalancing:DescribeTargetHealth/,
    ],
    [
      "target group",
      { kind: "error", status: 400, code: "TargetGroupNotFound" },
      "not_found",
      /target group does not exist/,
    ],
  ];
  it.each(denials)(
    "a missing %s is loud, says what to change, and waits 5 minutes",
    async (_name, fault, code, message) => {
      const { elb, watcher, becomes, next, rested, logged, signals } = await begin({}, (fake) =>
        fake.faults.set("DescribeTargetHealth", fault),
      );
      const restMs = await rested();
      expect(watcher.state).toMatchObject({
        kind: "degraded",
        error: { code, message: expect.stringMatching(message) },
      });
      expect(logged).toEqual([expect.stringMatching(/^error /)]);
      expect(restMs).toBeGreaterThanOrEqual(270_000);
      expect(restMs).toBeLessThanOrEqual(330_000);
      elb.faults.clear();
      await next();
      await becomes("watching");
      expect(elb.calls.length).toBe(2);
      expect(signals).toEqual([]);
    },
  );

  it("settings that cannot work are refused at start", async () => {
    for (const options of [{ targetGroupArns: [] }, { pollIntervalMs: 99 }, { requestTimeoutMs: 0 }])
      await expect(begin(options)).rejects.toMatchObject({ code: "invalid_config" });
    vi.stubEnv("ECS_CONTAINER_METADATA_URI_V4", "");
    await expect(begin({ own: { kind: "ecs" } })).rejects.toThrow("ECS_CONTAINER_METADATA_URI_V4");
  });
});

describe("the ECS task metadata endpoint", () => {
  const CONTAINER = {
    DockerId: "own",
    Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: [OWN.id] }],
    Ports: [{ ContainerPort: 7480, HostPort: 32_768, Protocol: "tcp" }],
  };
  const metadata = async () => {
    const url = await serve((request, response) =>
      response.end(JSON.stringify(request.url === "/v4/task" ? { Containers: [CONTAINER] } : CONTAINER)),
    );
    vi.stubEnv("ECS_CONTAINER_METADATA_URI_V4", `${url}/v4`);
  };

  it("names the address of the container", async () => {
    await metadata();
    const { elb, becomes, next, signals } = await begin({ own: { kind: "ecs", port: OWN.port } });
    await becomes("watching");
    elb.targets.set(ARN, [{ ...OWN, state: "draining" }]);
    await next();
    await becomes("draining");
    expect(signals.length).toBe(1);
  });

  it("names the host port of an instance", async () => {
    await metadata();
    const instance = { id: "i-0abc", port: 32_768 };
    const { elb, watcher, becomes, next } = await begin(
      { own: { kind: "ecs", port: 7480, instanceId: "i-0abc" } },
      (fake) => fake.targets.set(ARN, [{ ...instance, state: "healthy" }]),
    );
    await becomes("watching");
    expect(watcher.state).toEqual({ kind: "watching" });
    elb.targets.set(ARN, [{ ...instance, state: "draining" }]);
    await next();
    await becomes("draining");
  });
});

describe("limits", () => {
  it("are read where permitted, and say what is missing", async () => {
    const { elb, watcher } = await begin();
    expect(await watcher.limits()).toEqual({
      limits: { deregistrationDelayMs: 300_000, idleTimeoutMs: 60_000 },
      errors: [],
    });
    elb.faults.set("DescribeTargetGroupAttributes", { kind: "error", status: 403, code: "AccessDenied" });
    const { limits, errors } = await watcher.limits();
    expect(limits).toEqual({ idleTimeoutMs: 60_000 });
    expect(errors.map((error) => error.message)).toEqual([
      expect.stringContaining("DescribeTargetGroupAttributes"),
    ]);
  });
});
