import type * as elb from "@aws-sdk/client-elastic-load-balancing-v2";
import type { HawserError } from "@hawser/protocol";
import type { PlatformLimits } from "../platform-windows.js";
import { elbFailure } from "./elb-failure.js";

export type ElbSdk = typeof elb;
/** Makes a call within the watcher's time limit. */
export type LimitedCall = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** The load balancers' limits for a target, as far as readable. */
export interface ElbLimits {
  readonly limits: Pick<PlatformLimits, "deregistrationDelayMs" | "idleTimeoutMs">;
  /** Failed reads, for example without a permission. */
  readonly errors: readonly HawserError[];
}

/** Shortest deregistration delay and idle timeout of all groups and balancers. Never rejects. */
export async function readElbLimits(
  sdk: ElbSdk,
  client: elb.ElasticLoadBalancingV2Client,
  arns: readonly string[],
  limited: LimitedCall,
): Promise<ElbLimits> {
  const errors: HawserError[] = [];
  const attempt = async <T>(
    action: string,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> => {
    try {
      return await limited(call);
    } catch (thrown) {
      errors.push(elbFailure(action, thrown).cause);
      return undefined;
    }
  };
  const delays: number[] = [];
  const idles: number[] = [];
  for (const arn of arns) {
    const answer = await attempt("DescribeTargetGroupAttributes", (abortSignal) =>
      client.send(new sdk.DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn }), { abortSignal }),
    );
    delays.push(...secondsOf(answer?.Attributes, "deregistration_delay.timeout_seconds"));
  }
  const groups = await attempt("DescribeTargetGroups", (abortSignal) =>
    client.send(new sdk.DescribeTargetGroupsCommand({ TargetGroupArns: [...arns] }), { abortSignal }),
  );
  const balancers = new Set(groups?.TargetGroups?.flatMap((group) => group.LoadBalancerArns ?? []));
  for (const arn of balancers) {
    const answer = await attempt("DescribeLoadBalancerAttributes", (abortSignal) =>
      client.send(new sdk.DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }), { abortSignal }),
    );
    idles.push(...secondsOf(answer?.Attributes, "idle_timeout.timeout_seconds"));
  }
  return {
    limits: {
      ...(delays.length === 0 ? {} : { deregistrationDelayMs: Math.min(...delays) }),
      ...(idles.length === 0 ? {} : { idleTimeoutMs: Math.min(...idles) }),
    },
    errors,
  };
}

function secondsOf(
  attributes:
    | readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[]
    | undefined,
  key: string,
): number[] {
  return (attributes ?? [])
    .filter((each) => each.Key === key && each.Value !== undefined && /^\d+$/.test(each.Value))
    .map((each) => Number(each.Value) * 1_000);
}
