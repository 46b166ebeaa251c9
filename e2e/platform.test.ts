import { describe, expect, it, onTestFinished, vi } from "vitest";
import { FakeEcs, type FakeContainer } from "../packages/platform/src/testing/fake-ecs.js";
import { FakeElb } from "../packages/platform/src/testing/fake-elb.js";
import { FakeKubernetes } from "../packages/platform/src/testing/fake-kubernetes.js";
import { eventually } from "./support/eventually.js";
import { failureOf, PROGRAMS, runProgram } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// The platform says that the principal will go: it has let go of its agents by the time SIGTERM comes.

const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef";
const OWN = { id: "10.0.0.7", port: 7480 };
const POD = { metadata: { name: "principal-0", uid: "1" }, spec: { terminationGracePeriodSeconds: 4 } };

/** The environment of the processes that are started from here on. */
function environment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** An ECS task with its one container, and a load balancer that has it as a target. */
async function runInEcs(
  container: FakeContainer = {
    DockerId: "own",
    Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: [OWN.id] }],
  },
  target = OWN,
): Promise<FakeElb> {
  const ecs = await new FakeEcs(container).start();
  const elb = await new FakeElb().start();
  elb.targets.set(ARN, [{ ...target, state: "healthy" }]);
  environment({
    ECS_CONTAINER_METADATA_URI_V4: ecs.uri,
    AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2: elb.url,
    AWS_ACCESS_KEY_ID: "example",
    AWS_SECRET_ACCESS_KEY: "example",
  });
  return elb;
}

async function runInPod(): Promise<FakeKubernetes> {
  const kube = await new FakeKubernetes().start();
  kube.put(POD);
  environment({ POD_NAME: POD.metadata.name, POD_NAMESPACE: "moorings" });
  return kube;
}

const readiness = async (fleet: TestFleet): Promise<number> =>
  (await fleet.api.request("GET", "/readyz")).status;

/** A principal with one agent that sees the platform. */
async function serving(...args: string[]): Promise<TestFleet> {
  const fleet = await createTestFleet(args);
  await fleet.startPrincipal();
  await (await fleet.agent("edge-1")).start();
  await fleet.connected("edge-1");
  await fleet.principal.logged("that it sees", ({ msg }) => msg === "the platform watcher sees this process");
  expect(await readiness(fleet)).toBe(200);
  return fleet;
}

/** Nobody is connected any more, nobody is let in, and SIGTERM finds nothing left to do. */
async function hasLetGo(fleet: TestFleet, reason: string): Promise<void> {
  const drained = await fleet.principal.logged("the drain", ({ msg }) => msg === "drained");
  expect(drained).toMatchObject({ shape: "restart", sessions: 1, cut_off: 0, unsettled: 0 });
  expect(await readiness(fleet)).toBe(503);
  const agent = await eventually("the agent is gone", async () => {
    const found = await fleet.api.agent("edge-1");
    return found.state === "connected" ? undefined : found;
  });
  expect(agent.session).toBeUndefined();
  const told = (await fleet.principal.logLines()).filter(({ msg }) =>
    msg.includes("taking this process away"),
  );
  expect(told).toEqual([expect.objectContaining({ reason })]);
  expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
}

describe("an ELB target that turns draining", () => {
  it("drains the principal before SIGTERM", async () => {
    const elb = await runInEcs();
    elb.deregistrationDelaySeconds = 3;
    const fleet = await serving("--watch-elb-target-group", ARN, "--watch-elb-target", "ecs:7480");
    await fleet.principal.logged(
      "that the drain does not fit",
      ({ msg }) =>
        msg ===
        "the drain takes 0 s + 2 s + 5 s = 7 s at most, the target group's deregistration delay is 3 s: raise it or shorten the drain",
    );
    elb.targets.set(ARN, [{ ...OWN, state: "draining" }]);
    await hasLetGo(fleet, `own target is draining in ${ARN}`);
  });

  it("is the host's port of an instance that the settings name", async () => {
    const instance = { id: "i-0123456789abcdef0", port: 32_768 };
    const container = {
      DockerId: "own",
      Networks: [{ NetworkMode: "bridge", IPv4Addresses: ["172.17.0.2"] }],
      Ports: [{ ContainerPort: OWN.port, HostPort: instance.port, Protocol: "tcp" }],
    };
    const elb = await runInEcs(container, instance);
    const fleet = await serving(
      "--watch-elb-target-group",
      ARN,
      "--watch-elb-target",
      `ecs:${OWN.port}`,
      "--watch-elb-instance",
      instance.id,
    );
    elb.targets.set(ARN, [{ ...instance, state: "draining" }]);
    await hasLetGo(fleet, `own target is draining in ${ARN}`);
  });

  it("is not seen without the permission, which is named, and the principal serves on", async () => {
    const elb = await runInEcs();
    elb.faults.set("DescribeTargetHealth", { kind: "error", status: 403, code: "AccessDenied" });
    const fleet = await createTestFleet(["--watch-elb-target-group", ARN]);
    await fleet.startPrincipal();
    const line = await fleet.principal.logged("what is missing", ({ code }) => code === "forbidden");
    expect(line.msg).toContain("elasticloadbalancing:DescribeTargetHealth");
    expect(await readiness(fleet)).toBe(200);
    expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
  });
});

describe("a pod that is deleted", () => {
  it("drains the principal before SIGTERM", async () => {
    const kube = await runInPod();
    const fleet = await serving("--watch-kubernetes", "pod", "--watch-kubernetes-api", kube.url);
    await fleet.principal.logged(
      "that the drain does not fit",
      ({ msg }) =>
        msg ===
        "the drain takes 0 s + 2 s + 5 s = 7 s at most, the pod's grace period is 4 s: raise terminationGracePeriodSeconds or shorten the drain",
    );
    kube.put({ ...POD, metadata: { ...POD.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
    await hasLetGo(fleet, "pod principal-0 is being deleted (deletionTimestamp)");
  });
});

describe("without a platform", () => {
  it("the stop timeout alone is held against the drain", async () => {
    const fleet = await createTestFleet(["--stop-timeout", "6s"]);
    await fleet.startPrincipal();
    const line = await fleet.principal.logged("the warning", ({ msg }) => msg.includes("stop timeout"));
    expect(line.msg).toBe(
      "the drain takes 0 s + 2 s + 5 s = 7 s at most, the container's stop timeout is 6 s: raise stopTimeout or shorten the drain",
    );
  });

  it.each([
    [
      "ELB",
      ["--watch-elb-target-group", ARN],
      "this is no ECS task: neither ECS_CONTAINER_METADATA_URI_V4 nor",
    ],
    ["Kubernetes", ["--watch-kubernetes", "pod"], "POD_NAMESPACE"],
  ])("asked to watch %s it says what is missing and does not start", async (_platform, args, message) => {
    const fleet = await createTestFleet();
    const finished = await runProgram(PROGRAMS.principal, ["--data-dir", fleet.path("other"), ...args]);
    expect(finished.code).toBe(2);
    expect(failureOf(finished)).toEqual({ code: "invalid_config", msg: expect.stringContaining(message) });
  });
});
