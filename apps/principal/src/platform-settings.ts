import { isTargetGroupArn, type OwnTarget } from "@hawser/platform/elb";
import type { KubernetesSignal } from "@hawser/platform/kubernetes";
import { HawserError } from "@hawser/protocol";
import { duration, list, setting, text, type SettingsOf } from "@hawser/service";
import { z } from "zod";

const DAY_MS = 86_400_000;

/** How the service hears that the platform is about to take it away, before SIGTERM. */
export const platformSettings = {
  watchElbTargetGroup: setting(
    "<arn,...>",
    "drain when own target in this ELB target group (or one of several) turns draining; default none",
    targetGroups().optional(),
  ),
  watchElbTarget: setting(
    "<ecs|ecs:port|id:port>",
    "which target that is: as the ECS task metadata say, or the address or instance that is registered; default ecs",
    elbTarget().default({ kind: "ecs" }),
  ),
  watchElbInstance: setting(
    "<i-...>",
    "with --watch-elb-target ecs in bridge or host mode: the EC2 instance that is registered; default none",
    text()
      .refine(
        (value) => /^i-[0-9a-f]{8,17}$/.test(value),
        "is no id of an EC2 instance such as i-0123456789abcdef0",
      )
      .optional(),
  ),
  watchKubernetes: setting(
    "<pod|endpoints:service>",
    "drain when own pod is deleted, or leaves the ready endpoints of a Service; default neither",
    kubernetesSignal().optional(),
  ),
  watchKubernetesApi: setting(
    "<url>",
    "an API server that asks for no credentials, such as kubectl proxy; default the cluster's, by service account",
    httpUrl().optional(),
  ),
  stopTimeout: setting(
    "<duration>",
    "what the platform gives after SIGTERM, to warn at start if a drain takes longer; default not checked",
    duration({ minMs: 0, maxMs: DAY_MS }).optional(),
  ),
} as const;

type OwnTargetSettings = Pick<SettingsOf<typeof platformSettings>, "watchElbTarget" | "watchElbInstance">;

function targetGroups(): z.ZodType<readonly string[]> {
  return list().refine((arns) => arns.every(isTargetGroupArn), "is no list of ARNs of target groups");
}

function elbTarget(): z.ZodType<OwnTarget> {
  const wrong = "is not ecs, ecs:7480, 10.0.3.7:7480, i-0123456789abcdef0:7480 or [fd00::7]:7480";
  return z.string(wrong).transform((value, context): OwnTarget => {
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(value);
    const id = match?.[1] ?? match?.[2];
    const port = match?.[3] === undefined ? {} : { port: Number(match[3]) };
    if (id === undefined || Number(match?.[3] ?? 1) < 1 || Number(match?.[3] ?? 1) > 65_535) {
      context.addIssue(wrong);
      return z.NEVER;
    }
    return id === "ecs" ? { kind: "ecs", ...port } : { kind: "target", id, ...port };
  });
}

/**
 * Which target own process is, by both settings that say it.
 *
 * @throws HawserError `invalid_config` when they contradict each other
 */
export function ownTargetOf(settings: OwnTargetSettings): OwnTarget {
  const { watchElbTarget, watchElbInstance: instanceId } = settings;
  if (instanceId === undefined) return watchElbTarget;
  if (watchElbTarget.kind === "ecs") return { ...watchElbTarget, instanceId };
  throw new HawserError(
    "invalid_config",
    `--watch-elb-instance ${instanceId} goes with --watch-elb-target ecs, whose port the instance maps; --watch-elb-target ${watchElbTarget.id} names a target by itself`,
  );
}

function kubernetesSignal(): z.ZodType<KubernetesSignal> {
  const wrong = "is neither pod nor endpoints:<service>";
  return z.string(wrong).transform((value, context): KubernetesSignal => {
    // Names of Services are DNS labels.
    const service = /^endpoints:([a-z]([-a-z0-9]{0,61}[a-z0-9])?)$/.exec(value)?.[1];
    if (service !== undefined) return { kind: "endpoints", service };
    if (value === "pod") return { kind: "pod" };
    context.addIssue(wrong);
    return z.NEVER;
  });
}

function httpUrl(): z.ZodType<string> {
  return text().refine((value) => URL.canParse(value) && /^https?:/.test(value), "is no http or https URL");
}
