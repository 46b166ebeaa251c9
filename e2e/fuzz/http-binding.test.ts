import { createPrincipal } from "@hawser/principal";
import { createApi } from "@hawser/principal-api";
import { createMemoryStore } from "@hawser/store";
import { expect, it, onTestFinished } from "vitest";
import { fuzz, fuzzPlan } from "../support/fuzz/fuzz.js";
import { eventRequest } from "../support/fuzz/requests.js";

const LONG_MS = 4 * 60 * 60_000;

it("an event by the HTTP binding is accepted or refused as a problem", { timeout: LONG_MS }, async () => {
  // A mailbox that fills up, so that memory says something and 507 is among the answers.
  const store = createMemoryStore({ limits: { maxEntries: 1_000 } });
  const principal = createPrincipal({ store, acceptors: [] });
  await principal.start();
  onTestFinished(async () => {
    await principal.stop();
  });
  const app = createApi({ principal });
  const statuses = new Map<number, number>();
  await fuzz("HTTP binding", fuzzPlan(1_000), async (random) => {
    const { method, path, headers, body } = eventRequest(random);
    const init = { method, headers: headers.map(([name, value]): [string, string] => [name, value]) };
    const response = await app.request(path, {
      ...init,
      ...(body === undefined ? {} : { body: Uint8Array.from(body) }),
    });
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const answer: unknown = await response.json();
    const isFull = response.status === 503 || response.status === 507;
    if (response.status >= 500 && !isFull)
      throw new Error(
        `${response.status} ${JSON.stringify(answer)} for ${JSON.stringify(headers)} ${body?.toString("base64")}`,
      );
    if (!response.ok) expect(response.headers.get("content-type")).toContain("application/problem+json");
  });
  console.log(`fuzz: HTTP binding, ${JSON.stringify(Object.fromEntries(statuses))}`);
});
