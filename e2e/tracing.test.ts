import { expect, it } from "vitest";
import { eventually } from "./support/eventually.js";
import type { ServiceProcess } from "./support/service-process.js";
import { SpanCollector } from "./support/span-collector.js";
import { createTestFleet, TRANSPORTS, type Transport, type TestFleet } from "./support/test-fleet.js";

const SDK = new URL("./fixtures/tracing.mjs", import.meta.url).href;
const PRINCIPAL = "hawser-principal";
const AGENT = "hawser-agent";
/** As numbered by OTLP. */
const KIND = { client: 3, producer: 4, consumer: 5 } as const;
const ERROR = 2;

/** The variables with which an operator preloads an SDK. */
function preloaded(service: string, collector: string, everyMs: number): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--import ${SDK}`,
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_BSP_SCHEDULE_DELAY: String(everyMs),
  };
}

/** A request as somebody makes it who is in a trace. */
async function change(
  { api }: TestFleet,
  name: string,
  content: string,
  header: { readonly traceId: string; readonly spanId: string },
  path = name,
): Promise<void> {
  const answer = await fetch(`${api.server}/v1/agents/edge/resources/ConfigFile/${name}`, {
    method: "PUT",
    headers: {
      ...api.authorization,
      "content-type": "application/json",
      traceparent: `00-${header.traceId}-${header.spanId}-01`,
    },
    body: JSON.stringify({ spec: { path, content } }),
  });
  expect(answer.status).toBeLessThan(300);
}

async function tracedWorld(
  everyMs: number,
  transport: Transport = "ws-json",
): Promise<{
  readonly fleet: TestFleet;
  readonly collector: SpanCollector;
  readonly agent: ServiceProcess;
}> {
  const collector = new SpanCollector();
  const url = await collector.start();
  const fleet = await createTestFleet([], preloaded(PRINCIPAL, url, everyMs));
  await fleet.startPrincipal();
  const agent = await fleet.agent("edge", { transport, env: preloaded(AGENT, url, everyMs) });
  return { fleet, collector, agent };
}

const WAY =
  "is one trace from a request through the principal to the agent's handler, and with its status back: %s";

it.each(TRANSPORTS)(WAY, async (transport) => {
  const { fleet, collector, agent } = await tracedWorld(50, transport);
  await agent.start();
  const header = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  await change(fleet, "motd", "Ahoy.", header);
  const put = await collector.span(PRINCIPAL, "put agents/{agent}");
  const handled = await collector.span(AGENT, "process agents/{agent}");
  const reported = await collector.span(AGENT, "report principal");
  const applied = await collector.span(PRINCIPAL, "process principal");
  const chain = [put, handled, reported, applied];
  expect(chain.map(({ traceId }) => traceId)).toEqual(chain.map(() => header.traceId));
  const parents = chain.map(({ parentSpanId }) => parentSpanId);
  expect(parents).toEqual([header.spanId, put.spanId, handled.spanId, reported.spanId]);
  expect(chain.map(({ kind }) => kind)).toEqual([KIND.producer, KIND.consumer, KIND.producer, KIND.consumer]);
  expect(handled.links).toMatchObject([{ traceId: header.traceId, spanId: put.spanId }]);
  expect(handled.attributes).toMatchObject({
    "messaging.system": "hawser",
    "messaging.destination.name": "agents/edge",
    "cloudevents.event_type": "hawser.resource.spec.v1",
    "cloudevents.event_subject": "ConfigFile/motd",
    "messaging.hawser.message.delivery_attempt": 1,
    "messaging.hawser.outcome": "applied",
  });

  // Outside of the root: refused for good, and the log of the agent says in which trace.
  const refused = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
  await change(fleet, "astray", "", refused, "../astray");
  const failed = await collector.span(
    AGENT,
    "process agents/{agent}",
    ({ traceId }) => traceId === refused.traceId,
  );
  expect(failed.status?.code).toBe(ERROR);
  expect(failed.attributes).toMatchObject({
    "error.type": "handler_rejected",
    "messaging.hawser.outcome": "rejected",
  });
  const line = await agent.logged("the refusal", ({ code }) => code === "handler_rejected");
  expect(line).toMatchObject({ trace_id: refused.traceId, span_id: failed.spanId });
});

it("goes on where the principal was stopped in between, and what a process made is exported at its end", async () => {
  const { fleet, collector, agent } = await tracedWorld(3_600_000);
  const header = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  await change(fleet, "motd", "Ahoy.", header);
  expect(collector.spans).toEqual([]);
  expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
  const put = await collector.span(PRINCIPAL, "put agents/{agent}");

  await fleet.startPrincipal();
  await agent.start();
  await eventually(
    "the status is back",
    async () => (await fleet.api.resource("edge", "ConfigFile", "motd")).status,
  );
  expect(await agent.stop()).toEqual({ code: 0, signal: null });
  const handled = await collector.span(AGENT, "process agents/{agent}");
  expect(handled).toMatchObject({ traceId: header.traceId, parentSpanId: put.spanId });
});

it("leaves a service alone that has no SDK", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const ready = await fleet.principal.logged("that it serves", ({ msg }) => msg === "principal ready");
  expect(ready).not.toHaveProperty("tracing");
  expect(ready).not.toHaveProperty("trace_id");
});
