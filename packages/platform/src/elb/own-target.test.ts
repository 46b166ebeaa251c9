import { defined } from "@hawser/runtime";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { FakeEcs, type FakeContainer } from "../testing/fake-ecs.js";
import { ARN, begin, OTHER, OWN } from "../testing/watched-elb.js";

const INSTANCE = "i-0abc";
const AWSVPC: FakeContainer = {
  DockerId: "own",
  KnownStatus: "RUNNING",
  Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: [OWN.id] }],
  Ports: [{ ContainerPort: 7480, Protocol: "tcp" }],
};
/** The same container twice on the instance, for IPv4 and for IPv6, each with a port the host has chosen; and a second port of it. */
const BRIDGE: FakeContainer = {
  DockerId: "own",
  KnownStatus: "RUNNING",
  Networks: [{ NetworkMode: "bridge", IPv4Addresses: ["172.17.0.2"] }],
  Ports: [
    { ContainerPort: 7480, HostPort: 32_768, HostIp: "0.0.0.0", Protocol: "tcp" },
    { ContainerPort: 7480, HostPort: 32_769, HostIp: "::", Protocol: "tcp" },
    { ContainerPort: 7481, HostPort: 32_770, HostIp: "0.0.0.0", Protocol: "tcp" },
  ],
};

async function runIn(container: FakeContainer, version: "v3" | "v4" = "v4"): Promise<FakeEcs> {
  const sidecar = {
    DockerId: "sidecar",
    Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["10.0.0.99"] }],
  };
  const ecs = await new FakeEcs(container, [sidecar]).start(version);
  vi.stubEnv("ECS_CONTAINER_METADATA_URI_V4", version === "v4" ? ecs.uri : "");
  vi.stubEnv("ECS_CONTAINER_METADATA_URI", version === "v3" ? ecs.uri : "");
  onTestFinished(() => void vi.unstubAllEnvs());
  return ecs;
}

type Begun = Awaited<ReturnType<typeof begin>>;

/** The next look sees these rows. */
async function look({ elb, next, rested }: Begun, ...rows: readonly (readonly [string, number, string])[]) {
  elb.targets.set(
    ARN,
    rows.map(([id, port, state]) => ({ id, port, state })),
  );
  await next();
  await rested().catch(() => {});
}

describe("IP targets (awsvpc)", () => {
  it.each(["v4", "v3"] as const)("are the address that the metadata endpoint %s names", async (version) => {
    await runIn(AWSVPC, version);
    const begun = await begin({ own: { kind: "ecs", port: OWN.port } });
    await begun.becomes("watching");
    expect(begun.watcher.state).toEqual({ kind: "watching" });
    begun.elb.targets.set(ARN, [{ ...OWN, state: "draining" }]);
    await begun.next();
    await begun.becomes("draining");
  });

  it("may be IPv6 addresses", async () => {
    const address = "2001:db8::7";
    await runIn({ ...AWSVPC, Networks: [{ NetworkMode: "awsvpc", IPv6Addresses: [address] }] });
    const begun = await begin({ own: { kind: "ecs", port: 7480 } }, (elb) =>
      elb.targets.set(ARN, [{ id: address, port: 7480, state: "healthy" }]),
    );
    await begun.becomes("watching");
    expect(begun.watcher.state).toEqual({ kind: "watching" });
  });

  it("are not those of another container of the task's own name space, or of another port", async () => {
    await runIn(AWSVPC);
    const begun = await begin({ own: { kind: "ecs", port: 7480 } }, (elb) =>
      elb.targets.set(ARN, [
        { id: "10.0.0.99", port: 7480, state: "healthy" },
        { id: OWN.id, port: 7481, state: "healthy" },
      ]),
    );
    await begun.becomes("watching");
    expect(begun.watcher.state).toEqual({ kind: "watching", waitingFor: `own target in ${ARN}` });
  });

  it("of several ports drain when the last of them does, or the one that was named", async () => {
    await runIn(AWSVPC);
    const both: [string, number, string][] = [
      [OWN.id, 7480, "draining"],
      [OWN.id, 7481, "healthy"],
    ];
    const any = await begin({ own: { kind: "ecs" } });
    await any.becomes("watching");
    await look(any, ...both);
    expect(any.watcher.state).toEqual({ kind: "watching" });
    await any.watcher.stop();

    const named = await begin({ own: { kind: "ecs", port: 7480 } });
    await named.becomes("watching");
    named.elb.targets.set(
      ARN,
      both.map(([id, port, state]) => ({ id, port, state })),
    );
    await named.next();
    await named.becomes("draining");
  });

  it("of two groups with a port each are found without a port, and to leave one is to drain", async () => {
    await runIn(AWSVPC);
    const begun = await begin({ own: { kind: "ecs" }, targetGroupArns: [ARN, OTHER] }, (elb) =>
      elb.targets.set(OTHER, [{ id: OWN.id, port: 7481, state: "healthy" }]),
    );
    await begun.becomes("watching");
    expect(begun.watcher.state).toEqual({ kind: "watching" });
    begun.elb.targets.set(OTHER, [{ id: OWN.id, port: 7481, state: "draining" }]);
    await begun.next();
    await begun.becomes("draining");
    expect(begun.signals[0]?.reason).toBe(`own target is draining in ${OTHER}`);
  });
});

describe("instance targets", () => {
  it("in bridge mode are the host's ports of the container port, not those of a neighbour on the same instance", async () => {
    await runIn(BRIDGE);
    const begun = await begin({ own: { kind: "ecs", port: 7480, instanceId: INSTANCE } }, (elb) =>
      elb.targets.set(ARN, [{ id: INSTANCE, port: 32_768, state: "healthy" }]),
    );
    await begun.becomes("watching");
    expect(begun.watcher.state).toEqual({ kind: "watching" });
    await look(
      begun,
      [INSTANCE, 32_768, "healthy"],
      [INSTANCE, 40_000, "draining"],
      [INSTANCE, 32_770, "draining"],
    );
    expect(begun.watcher.state).toEqual({ kind: "watching" });
    begun.elb.targets.set(ARN, [{ id: INSTANCE, port: 32_768, state: "draining" }]);
    await begun.next();
    await begun.becomes("draining");
  });

  it("of several ports and groups are all host ports when no port is named", async () => {
    await runIn(BRIDGE);
    const begun = await begin(
      { own: { kind: "ecs", instanceId: INSTANCE }, targetGroupArns: [ARN, OTHER] },
      (elb) => {
        elb.targets.set(ARN, [{ id: INSTANCE, port: 32_769, state: "healthy" }]);
        elb.targets.set(OTHER, [{ id: INSTANCE, port: 32_770, state: "healthy" }]);
      },
    );
    await begun.becomes("watching");
    expect(begun.watcher.state).toEqual({ kind: "watching" });
  });

  it("in host mode are the container's own ports, which the metadata need not name", async () => {
    const networks = [{ NetworkMode: "host", IPv4Addresses: [""] }];
    for (const ports of [undefined, [{ ContainerPort: 7480, Protocol: "tcp" }]]) {
      await runIn({ DockerId: "own", Networks: networks, ...defined({ Ports: ports }) });
      const own = {
        kind: "ecs",
        instanceId: INSTANCE,
        ...(ports === undefined ? { port: 7480 } : {}),
      } as const;
      const begun = await begin({ own }, (elb) =>
        elb.targets.set(ARN, [{ id: INSTANCE, port: 7480, state: "healthy" }]),
      );
      await begun.becomes("watching");
      expect(begun.watcher.state).toEqual({ kind: "watching" });
      await begun.watcher.stop();
    }
  });
});

describe("metadata that do not help", () => {
  it("because the mode is another than the settings think are an error that says what to set", async () => {
    await runIn(BRIDGE);
    const begun = await begin({ own: { kind: "ecs", port: 7480 } });
    await begun.becomes("degraded");
    expect(begun.logged.at(-1)).toMatch(
      /^error .*give the id of the EC2 instance; the next try is in (2[7-9]|3[0-3])\d/,
    );
    await begun.watcher.stop();

    await runIn(BRIDGE);
    const other = await begin({ own: { kind: "ecs", port: 9_999, instanceId: INSTANCE } });
    await other.becomes("degraded");
    expect(other.logged.at(-1)).toContain("no host port for container port 9999");
  });

  it("because the container is only starting are asked for again soon", async () => {
    const ecs = await runIn({
      ...BRIDGE,
      KnownStatus: "CREATED",
      Ports: [{ ContainerPort: 7480, HostPort: 0 }],
    });
    const begun = await begin({ own: { kind: "ecs", port: 7480, instanceId: INSTANCE } }, (elb) =>
      elb.targets.set(ARN, [{ id: INSTANCE, port: 32_768, state: "healthy" }]),
    );
    expect(await begun.rested()).toBeLessThanOrEqual(1_000);
    expect(begun.logged.at(-1)).toMatch(/^warn .*yet: the container is CREATED/);
    ecs.container = BRIDGE;
    await begun.next();
    await begun.becomes("watching");
    expect(begun.watcher.state).toEqual({ kind: "watching" });
  });

  it("because the endpoint is asked too often are asked for when it says", async () => {
    const ecs = await runIn(AWSVPC);
    ecs.fault = { status: 429, retryAfter: "5" };
    const begun = await begin({ own: { kind: "ecs", port: 7480 } });
    const restMs = await begun.rested();
    expect(restMs).toBeGreaterThanOrEqual(5_000);
    expect(restMs).toBeLessThanOrEqual(5_500);
    expect(begun.logged.at(-1)).toContain("did not answer: HTTP 429");
    ecs.fault = undefined;
    await begun.next();
    await begun.becomes("watching");
  });
});
