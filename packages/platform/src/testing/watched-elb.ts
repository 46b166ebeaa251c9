// Loaded here, so that no test's time limit has to allow for it.
import "@aws-sdk/client-elastic-load-balancing-v2";
import { expect, onTestFinished, vi } from "vitest";
import { DEFAULT_REQUEST_TIMEOUT_MS } from "../elb/elb-source.js";
import { createElbWatcher, type ElbWatcherOptions } from "../elb/elb-watcher.js";
import { FakeElb } from "./fake-elb.js";
import { createWatched } from "./watched.js";

export const ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0123456789abcdef";
export const OTHER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/b/0123456789abcdef";
export const OWN = { id: "10.0.0.7", port: 7480 };
export const NEIGHBOUR = { id: "10.0.0.8", port: 7480, state: "draining" };

/** A fake load balancer with own target and a neighbour in `ARN`, and a watcher of it that has been started. */
export async function begin(options: Partial<ElbWatcherOptions> = {}, first?: (elb: FakeElb) => void) {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "example");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "example");
  onTestFinished(() => void vi.unstubAllEnvs());
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
