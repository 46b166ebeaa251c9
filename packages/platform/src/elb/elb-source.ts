import type { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { HawserError, parseRetryAfter } from "@hawser/protocol";
import { defined, type Runtime } from "@hawser/runtime";
import type { DrainSource, Round } from "../drain-watcher.js";
import { limitedCall } from "../limited-call.js";
import { loadPeer } from "../optional-peer.js";
import { elbFailure, retryAfterOf } from "./elb-failure.js";
import { readElbLimits, type ElbLimits, type ElbSdk, type LimitedCall } from "./elb-limits.js";
import { findOwnTargets, type Candidate, type OwnTarget } from "./own-target.js";
import { TargetPresence } from "./target-presence.js";

/** Polling interval: well within a useful deregistration delay and the API's throttle. */
export const DEFAULT_POLL_INTERVAL_MS = 5_000;
/** Timeout of one request. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 3_000;
const SDK = "@aws-sdk/client-elastic-load-balancing-v2";
const TARGET_GROUP_ARN = /^arn:[^:]+:elasticloadbalancing:([a-z0-9-]+):\d*:targetgroup\//;

/** True for a well-formed target group ARN; it need not exist. */
export function isTargetGroupArn(text: string): boolean {
  return TARGET_GROUP_ARN.test(text);
}

/** The target groups to poll and the own target in them. */
export interface ElbSourceOptions {
  /** Groups of one region. Draining in one of them is draining. */
  readonly targetGroupArns: readonly string[];
  readonly own: OwnTarget;
  /** @default AWS_REGION, then AWS_DEFAULT_REGION, then that of the first ARN */
  readonly region?: string;
  /** Other API address, such as a VPC endpoint. */
  readonly endpoint?: string;
  /** +/- 10 %. @default 5_000 */
  readonly pollIntervalMs?: number;
  /** Of one API call. @default 3_000 */
  readonly requestTimeoutMs?: number;
}

/** Polls the target groups in turn. */
export class ElbSource implements DrainSource {
  readonly source = "elb";
  readonly #options: ElbSourceOptions;
  readonly #runtime: Runtime;
  readonly #groups: readonly { readonly arn: string; readonly presence: TargetPresence }[];
  #api: { readonly sdk: ElbSdk; readonly client: ElasticLoadBalancingV2Client } | undefined;
  #candidates: readonly Candidate[] | undefined;

  constructor(options: ElbSourceOptions, runtime: Runtime) {
    this.#options = options;
    this.#runtime = runtime;
    this.#groups = options.targetGroupArns.map((arn) => ({ arn, presence: new TargetPresence() }));
  }

  async prepare(): Promise<void> {
    const {
      targetGroupArns,
      own,
      region,
      endpoint,
      pollIntervalMs = DEFAULT_POLL_INTERVAL_MS,
      requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
    } = this.#options;
    const regions = targetGroupArns.map((arn) => TARGET_GROUP_ARN.exec(arn)?.[1]);
    if (regions.length === 0 || regions.includes(undefined))
      throw new HawserError("invalid_config", "targetGroupArns must name one or more target groups by ARN");
    if (!(pollIntervalMs >= 100))
      throw new HawserError("invalid_config", `pollIntervalMs must be 100 or more, not ${pollIntervalMs}`);
    if (!(requestTimeoutMs >= 1))
      throw new HawserError("invalid_config", `requestTimeoutMs must be 1 or more, not ${requestTimeoutMs}`);
    if (own.kind === "ecs" && metadataUri() === "")
      throw new HawserError(
        "invalid_config",
        "this is no ECS task: neither ECS_CONTAINER_METADATA_URI_V4 nor ECS_CONTAINER_METADATA_URI is set; name the target by id and port",
      );
    const sdk = await loadPeer(SDK, 3, () => import("@aws-sdk/client-elastic-load-balancing-v2"));
    const where =
      region ?? process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"] ?? regions[0] ?? "";
    // One attempt: the watcher retries and shows it in its state.
    const client = new sdk.ElasticLoadBalancingV2Client({
      region: where,
      maxAttempts: 1,
      ...defined({ endpoint }),
    });
    this.#api = { sdk, client };
  }

  close(): void {
    this.#api?.client.destroy();
  }

  async limits(): Promise<ElbLimits> {
    const { sdk, client } = this.#started();
    return readElbLimits(
      sdk,
      client,
      this.#options.targetGroupArns,
      this.#limited(new AbortController().signal),
    );
  }

  async round(signal: AbortSignal, seeing: (waitingFor?: string) => void): Promise<Round> {
    const limited = this.#limited(signal);
    this.#candidates ??= await limited((each) =>
      findOwnTargets(this.#options.own, metadataUri(), this.#runtime.clock, each),
    );
    const waiting: string[] = [];
    for (const { arn, presence } of this.#groups) {
      const found = presence.saw(await this.#health(arn, limited), this.#candidates);
      if (found === "draining") return { kind: "draining", reason: `own target is draining in ${arn}` };
      if (found === "left") return { kind: "draining", reason: `own target left ${arn}` };
      if (found === "waiting") waiting.push(arn);
    }
    seeing(waiting.length === 0 ? undefined : `own target in ${waiting.join(", ")}`);
    const { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS } = this.#options;
    return { kind: "again", afterMs: pollIntervalMs * (0.9 + 0.2 * this.#runtime.random.next()) };
  }

  async #health(arn: string, limited: LimitedCall) {
    const { sdk, client } = this.#started();
    try {
      const answer = await limited((abortSignal) =>
        client.send(new sdk.DescribeTargetHealthCommand({ TargetGroupArn: arn }), { abortSignal }),
      );
      return (answer.TargetHealthDescriptions ?? []).map(({ Target, TargetHealth }) => ({
        id: Target?.Id,
        port: Target?.Port,
        state: TargetHealth?.State,
        reason: TargetHealth?.Reason,
      }));
    } catch (thrown) {
      const askedMs = parseRetryAfter(retryAfterOf(thrown), this.#runtime.clock.wallTime());
      throw elbFailure("DescribeTargetHealth", thrown, askedMs);
    }
  }

  #limited(signal: AbortSignal): LimitedCall {
    const { requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS } = this.#options;
    return (call) => limitedCall(this.#runtime.timers, requestTimeoutMs, signal, call);
  }

  #started() {
    if (this.#api === undefined) throw new HawserError("invalid_config", "start the watcher first");
    return this.#api;
  }
}

/** Version 4, or version 3 of older container agents: the parts read here are equal. */
function metadataUri(): string {
  const { ECS_CONTAINER_METADATA_URI_V4: v4 = "", ECS_CONTAINER_METADATA_URI: v3 = "" } = process.env;
  return v4 === "" ? v3 : v4;
}
