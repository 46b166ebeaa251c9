import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { FakeElb, type FakeFault } from "../testing/fake-elb.js";
import { serve } from "../testing/local-server.js";
import { createWatched } from "../testing/watched.js";
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
  const watched = createWatched();
  const watcher = createElbWatcher({
    targetGroupArns: [ARN],
    own: { kind: "target", ...OWN },
    endpoint: elb.url,
    ...watched.options,
    ...options,
  });
  onTestFinished(() => watcher.stop());
  await watcher.start();
  const polled = async (count: number) => {
    await watched.until(() => expect(elb.calls.length).toBe(count));
    await watched.until(() =>
      expect(watched.world.pendingTimers).toBe(watcher.state.kind === "draining" ? 0 : 1),
    );
  };
  const becomes = (kind: string) => watched.until(() => expect(watcher.state.kind).toBe(kind));
  /** Virtual time to the next poll, whatever the wait is. */
  const next = async (withinMs = 5_500) => {
    const before = elb.calls.length;
    await watched.until(() => expect(watched.world.pendingTimers).toBe(1));
    await watched.world.runUntil(() => watched.world.pendingTimers === 0 || elb.calls.length > before, {
      timeoutMs: withinMs,
    });
    await watched.until(() => expect(elb.calls.length).toBeGreaterThan(before));
  };
  return { elb, watcher, ...watched, polled, becomes, next };
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
    const { elb, becomes, world, polled } = await begin();
    await becomes("watching");
    await world.advance(4_499);
    expect(elb.calls.length).toBe(1);
    await world.advance(1_002);
    await polled(2);
  });

  it("that left the group drains at the second answer without it, not the first", async () => {
    const { elb, watcher, becomes, next, polled, signals } = await begin();
    await becomes("watching");
    elb.targets.set(ARN, [NEIGHBOUR]);
    await next();
    await polled(2);
    expect(watcher.state).toEqual({ kind: "watching" });
    await next();
    await becomes("draining");
    expect(signals[0]?.reason).toBe(`own target left ${ARN}`);
  });

  it("that comes back after one answer without it stays", async () => {
    const { elb, watcher, becomes, next, polled } = await begin();
    await becomes("watching");
    for (const [index, rows] of [[NEIGHBOUR], [{ ...OWN, state: "initial" }], [NEIGHBOUR]].entries()) {
      elb.targets.set(ARN, rows);
      await next();
      await polled(index + 2);
    }
    expect(watcher.state.kind).toBe("watching");
  });

  it("not registered yet is waited for; a draining one of its address is that of an earlier task", async () => {
    const { elb, watcher, becomes, next, polled, until, signals } = await begin({}, (fake) =>
      fake.targets.set(ARN, [{ ...OWN, state: "draining" }]),
    );
    await becomes("watching");
    expect(watcher.state).toEqual({ kind: "watching", waitingFor: `own target in ${ARN}` });
    elb.targets.set(ARN, []);
    await next();
    await polled(2);
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
    const { elb, watcher, becomes, next, world, signals, until } = await begin();
    await becomes("watching");
    elb.faults.set("DescribeTargetHealth", fault);
    await next();
    await becomes("degraded");
    const first = watcher.state;
    for (let failure = 0; failure < 8; failure += 1) {
      const before = watcher.state;
      await next(30_000);
      await until(() => expect(watcher.state).not.toBe(before));
    }
    const last = watcher.state;
    if (first.kind !== "degraded" || last.kind !== "degraded") throw new Error("it is not degraded");
    expect(last.since).toBe(first.since);
    expect(last.error.message).toMatch(message);
    expect(last.nextTryAt - world.wallTime()).toBeLessThanOrEqual(30_000);
    elb.faults.clear();
    await next(30_000);
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

  it("a missing permission is loud, names the action, and waits 5 minutes", async () => {
    const { elb, watcher, becomes, world, logged, polled } = await begin({}, (fake) =>
      fake.faults.set("DescribeTargetHealth", { kind: "error", status: 403, code: "AccessDenied" }),
    );
    await becomes("degraded");
    expect(watcher.state).toMatchObject({ error: { code: "forbidden" } });
    expect(logged).toEqual([expect.stringMatching(/^error .*elasticloadbalancing:DescribeTargetHealth/)]);
    await world.advance(269_999);
    expect(elb.calls.length).toBe(1);
    elb.faults.clear();
    await world.advance(60_002);
    await polled(elb.calls.length);
    await becomes("watching");
  });

  it("settings that cannot work are refused at start", async () => {
    await expect(begin({ targetGroupArns: [] })).rejects.toMatchObject({ code: "invalid_config" });
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
