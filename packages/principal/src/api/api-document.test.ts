import { createMemoryStore } from "@hawser/store";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createPrincipal } from "../create-principal.js";
import { createApi } from "./api.js";
import { createMetrics } from "./metrics.js";

const text = readFileSync(new URL("../../API.md", import.meta.url), "utf8");

it("documents each metric with its type and labels, and no other", async () => {
  const documented = [...text.matchAll(/^\| `(hawser_\w+)` *\| (\w+)/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  const { registry, observer } = createMetrics();
  observer.accepted?.("a", { resourceid: "a_1", eventid: "1", type: "t" });
  const metrics = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("hawser_"));
  expect(documented.sort()).toEqual(metrics.map(({ name, type }) => `${name} ${type}`).sort());
  for (const { name } of metrics) {
    const labels = Object(registry.getSingleMetric(name)).labelNames as string[];
    const row = text.split("\n").find((line) => line.startsWith(`| \`${name}\``));
    for (const label of labels) expect(row).toContain(label);
  }
});

it("documents each route, and no other", () => {
  const documented = [...text.matchAll(/^\| `(GET|PUT|POST|PATCH|DELETE) ([^?` ]+)/gm)].map(
    ([, method, path = ""]) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
  );
  const principal = createPrincipal({ store: createMemoryStore(), acceptors: [] });
  const { routes } = createApi({ principal, metrics: createMetrics({ process: false }) });
  const served = routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  expect(documented.sort()).toEqual(served.sort());
});
