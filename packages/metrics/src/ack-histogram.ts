import { Histogram, type Registry } from "prom-client";

/** From a loopback ACK to the longest resend timeout. In seconds. */
const ACK_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
];

/** How long peers take to acknowledge. */
export function ackHistogram(registry: Registry, name: string, help: string): Histogram {
  return new Histogram({ name, help, buckets: ACK_BUCKETS, registers: [registry] });
}
