import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { FakeFault } from "../testing/fake-elb.js";
import { ARN, begin, NEIGHBOUR, OTHER, OWN } from "../testing/watched-elb.js";

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

  const asked: readonly (readonly [string, string, number, string])[] = [
    ["seconds", "7", 7_000, "it asked for 7 s"],
    [
      "more than a watcher may be blind",
      "3600",
      60_000,
      "it asked for 3600 s, more than the 60 s that are waited at most",
    ],
    ["something that is no time", "soon", 0, "the next try is in"],
  ];
  it.each(asked)(
    "throttling that asks for %s is left alone for it",
    async (_what, retryAfter, atLeastMs, said) => {
      const { elb, becomes, next, rested, logged } = await begin();
      await becomes("watching");
      elb.faults.set("DescribeTargetHealth", { kind: "error", status: 429, code: "Throttling", retryAfter });
      await next();
      const restMs = await rested();
      expect(restMs).toBeGreaterThanOrEqual(Math.max(250, atLeastMs));
      expect(restMs).toBeLessThanOrEqual(Math.max(1_000, 1.1 * atLeastMs));
      expect(logged.at(-1)).toContain(said);
      expect(logged.at(-1)).toContain("Throttling (HTTP 429)");
      expect(logged.at(-1)).toMatch(/the next try is in \d+(\.\d)? s/);
      elb.faults.clear();
      await next();
      await becomes("watching");
    },
  );

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
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("ECS_CONTAINER_METADATA_URI_V4", "");
    vi.stubEnv("ECS_CONTAINER_METADATA_URI", "");
    await expect(begin({ own: { kind: "ecs" } })).rejects.toThrow("ECS_CONTAINER_METADATA_URI_V4");
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
