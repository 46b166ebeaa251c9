import { readFileSync } from "node:fs";
import type { Registry } from "prom-client";
import { expect, it } from "vitest";
import { createAgentMetrics } from "./agent/agent-metrics.js";
import { createPrincipalMetrics } from "./principal/principal-metrics.js";

const text = readFileSync(new URL("../METRICS.md", import.meta.url), "utf8");
const [, principal = "", agent = ""] = text.split(/^## /m);

async function expectDocumented(page: string, registry: Registry): Promise<void> {
  const documented = [...page.matchAll(/^\| `(hawser_\w+)` *\| (\w+)/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  const metrics = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("hawser_"));
  expect(documented.toSorted()).toEqual(metrics.map(({ name, type }) => `${name} ${type}`).toSorted());
  for (const { name } of metrics) {
    const labels = Object(registry.getSingleMetric(name)).labelNames as string[];
    const row = page.split("\n").find((line) => line.startsWith(`| \`${name}\``));
    for (const label of labels) expect(row).toContain(label);
  }
}

it("documents each metric of a principal with its type and labels, and no other", async () => {
  const { registry, observer } = createPrincipalMetrics();
  observer.accepted?.("a", { resourceid: "a_1", eventid: "1", type: "t" });
  await expectDocumented(principal, registry);
});

it("documents each metric of an agent likewise", async () => {
  await expectDocumented(agent, createAgentMetrics({ name: "a" }).registry);
});
