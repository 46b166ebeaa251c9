import { loadSettings } from "@hawser/service";
import { describe, expect, it } from "vitest";
import { ownTargetOf } from "./platform-settings.js";
import { settingsShape, type PrincipalSettings } from "./settings.js";

const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef";
const OTHER = "arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:targetgroup/b/0123456789abcdef";

interface Given {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly file?: string;
}

function load({ args = [], env = {}, file = "" }: Given): PrincipalSettings {
  const loaded = loadSettings({
    program: "hawser-principal",
    description: "",
    version: "0",
    variablePrefix: "HAWSER_PRINCIPAL_",
    shape: settingsShape,
    args,
    env,
    readFile: () => file,
  });
  if (loaded.kind === "text") throw new Error(loaded.text);
  return loaded.settings;
}

describe("what watches the platform", () => {
  it("is nothing unless it is asked for", () => {
    expect(load({})).toMatchObject({
      watchElbTargetGroup: undefined,
      watchElbTarget: { kind: "ecs" },
      watchElbInstance: undefined,
      watchKubernetes: undefined,
      watchKubernetesApi: undefined,
      stopTimeout: undefined,
    });
  });

  const wanted = {
    watchElbTargetGroup: [ARN, OTHER],
    watchElbTarget: { kind: "ecs", port: 7480 },
    watchElbInstance: "i-0123456789abcdef0",
    watchKubernetes: { kind: "endpoints", service: "principals" },
    watchKubernetesApi: "http://127.0.0.1:8001",
    stopTimeout: 120_000,
  };

  it("is said by flags", () => {
    const args = [
      ["--watch-elb-target-group", `${ARN}, ${OTHER}`],
      ["--watch-elb-target", "ecs:7480"],
      ["--watch-elb-instance", "i-0123456789abcdef0"],
      ["--watch-kubernetes", "endpoints:principals"],
      ["--watch-kubernetes-api", "http://127.0.0.1:8001"],
      ["--stop-timeout", "2m"],
    ].flat();
    expect(load({ args })).toMatchObject(wanted);
  });

  it("is said by the environment", () => {
    const env = {
      HAWSER_PRINCIPAL_WATCH_ELB_TARGET_GROUP: `${ARN},${OTHER}`,
      HAWSER_PRINCIPAL_WATCH_ELB_TARGET: "ecs:7480",
      HAWSER_PRINCIPAL_WATCH_ELB_INSTANCE: "i-0123456789abcdef0",
      HAWSER_PRINCIPAL_WATCH_KUBERNETES: "endpoints:principals",
      HAWSER_PRINCIPAL_WATCH_KUBERNETES_API: "http://127.0.0.1:8001",
      HAWSER_PRINCIPAL_STOP_TIMEOUT: "2m",
    };
    expect(load({ env })).toMatchObject(wanted);
  });

  it("is said by a file", () => {
    const file = `
      watchElbTargetGroup: ${ARN},${OTHER}
      watchElbTarget: ecs:7480
      watchElbInstance: i-0123456789abcdef0
      watchKubernetes: endpoints:principals
      watchKubernetesApi: http://127.0.0.1:8001
      stopTimeout: 2m`.replaceAll(/^ +/gm, "");
    expect(load({ args: ["--config", "principal.yaml"], file })).toMatchObject(wanted);
  });

  it.each([
    ["ecs", { kind: "ecs" }],
    ["ecs:7480", { kind: "ecs", port: 7480 }],
    ["i-0123456789abcdef0", { kind: "target", id: "i-0123456789abcdef0" }],
    ["i-0123456789abcdef0:65535", { kind: "target", id: "i-0123456789abcdef0", port: 65_535 }],
    ["[fd00::7]:7480", { kind: "target", id: "fd00::7", port: 7480 }],
  ])("own target %s", (text, target) => {
    expect(load({ args: ["--watch-elb-target", text] }).watchElbTarget).toEqual(target);
  });

  it("own target is the port of an instance with both, and a contradiction is refused", () => {
    const instance = ["--watch-elb-instance", "i-0123456789abcdef0"];
    expect(ownTargetOf(load({ args: ["--watch-elb-target", "ecs:7480", ...instance] }))).toEqual({
      kind: "ecs",
      port: 7480,
      instanceId: "i-0123456789abcdef0",
    });
    expect(ownTargetOf(load({ args: ["--watch-elb-target", "10.0.3.7:7480"] })).kind).toBe("target");
    expect(() => ownTargetOf(load({ args: ["--watch-elb-target", "10.0.3.7:7480", ...instance] }))).toThrow(
      "--watch-elb-instance i-0123456789abcdef0 goes with --watch-elb-target ecs",
    );
  });

  it.each([
    ["--watch-elb-target-group", "principals", "is no list of ARNs of target groups"],
    ["--watch-elb-target-group", `${ARN},`, "is no list of ARNs of target groups"],
    ["--watch-elb-target", "10.0.3.7:0", "is not ecs, ecs:7480, 10.0.3.7:7480"],
    ["--watch-elb-target", "10.0.3.7:65536", "is not ecs, ecs:7480, 10.0.3.7:7480"],
    ["--watch-elb-target", "fd00::7", "is not ecs, ecs:7480, 10.0.3.7:7480"],
    ["--watch-elb-instance", "10.0.3.7", "is no id of an EC2 instance"],
    ["--watch-kubernetes", "pods", "is neither pod nor endpoints:<service>"],
    ["--watch-kubernetes", "endpoints:", "is neither pod nor endpoints:<service>"],
    ["--watch-kubernetes", "endpoints:a,b=c", "is neither pod nor endpoints:<service>"],
    ["--watch-kubernetes-api", "127.0.0.1:8001", "is no http or https URL"],
    ["--stop-timeout", "30", "is not a duration"],
  ])("%s %s is refused", (flag, value, message) => {
    expect(() => load({ args: [flag, value] })).toThrow(`${flag} ${message}`);
  });
});
