import { expect, it } from "vitest";
import { TrafficMeter } from "./traffic-meter.js";

function metrics(acked: number, fast: number, all: number): string {
  return `# HELP x
hawser_events_acked_total{agent="a"} ${acked}
hawser_events_acked_total{agent="b"} 1
hawser_ack_seconds_bucket{le="0.01"} ${fast}
hawser_ack_seconds_bucket{le="0.1"} ${all}
hawser_ack_seconds_bucket{le="+Inf"} ${all}
`;
}

it("says nothing at the first look, then rates and latency of what happened between two", () => {
  const meter = new TrafficMeter();
  expect(meter.look(metrics(10, 5, 5), 0)).toBeUndefined();
  const traffic = meter.look(metrics(30, 55, 105), 2_000);
  expect(traffic?.total.ackedPerSecond).toBe(10);
  expect(traffic?.byAgent.get("b")?.ackedPerSecond).toBe(0);
  expect(traffic?.ackP50Ms).toBeCloseTo(10);
  expect(traffic?.ackP99Ms).toBeCloseTo(98.2);
});

it("counts from zero when the principal was started again", () => {
  const meter = new TrafficMeter();
  meter.look(metrics(100, 0, 0), 0);
  const traffic = meter.look(metrics(4, 0, 0), 1_000);
  expect(traffic?.total.ackedPerSecond).toBe(4);
  expect(traffic?.ackP50Ms).toBeUndefined();
});
