import { createPrincipalMetrics } from "@hawser/metrics";
import { createPrincipal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createApi } from "./api.js";

const text = readFileSync(new URL("../API.md", import.meta.url), "utf8");

it("documents each route, and no other", () => {
  const documented = [...text.matchAll(/^\| `(GET|PUT|POST|PATCH|DELETE) ([^?` ]+)/gm)].map(
    ([, method, path = ""]) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
  );
  const principal = createPrincipal({ store: createMemoryStore(), acceptors: [] });
  const { routes } = createApi({ principal, metrics: createPrincipalMetrics({ process: false }) });
  const served = routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  expect(documented.sort()).toEqual(served.sort());
});
