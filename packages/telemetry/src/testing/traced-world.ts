import { defined } from "@hawser/runtime";
import { context, propagation, trace, type Context } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from "@opentelemetry/sdk-trace-node";
import { createAgent, type Agent, type AgentOptions } from "@hawser/agent";
import { createPrincipal, type Principal, type PrincipalOptions } from "@hawser/principal";
import type { EventDraft, HawserEvent } from "@hawser/protocol";
import { createMemoryDisk, createMemoryStore, type MemoryDisk, type Store } from "@hawser/store";
import { createSimulatedNetwork, createVirtualRuntime } from "@hawser/testkit";
import { onTestFinished } from "vitest";
import { createTelemetry, type TelemetryOptions } from "../index.js";

const ADDRESS = "principal:443";

export const command = (id: string, more: Partial<EventDraft> = {}): EventDraft => ({
  specversion: "1.0",
  id,
  source: "/test",
  type: "test.command",
  resourceid: "job_u1",
  ...more,
});

/** A principal and an agent in virtual time, and the spans they make. */
export class TracedWorld {
  readonly virtual = createVirtualRuntime({ seed: 5 });
  readonly exporter = new InMemorySpanExporter();
  readonly provider: NodeTracerProvider;
  readonly #network = createSimulatedNetwork({
    virtual: this.virtual,
    faults: { latencyMinMs: 1, latencyMaxMs: 5 },
  });

  constructor(sampler?: Sampler) {
    unregister();
    this.provider = new NodeTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(this.exporter)],
      ...defined({ sampler }),
    });
    this.provider.register();
    onTestFinished(unregister);
  }

  /** Spans in order of their ends. */
  get spans(): readonly ReadableSpan[] {
    return this.exporter.getFinishedSpans();
  }

  named(name: string): readonly ReadableSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  async telemetry(options: TelemetryOptions = {}): Promise<ReturnType<typeof createTelemetry>> {
    const telemetry = createTelemetry({ tracerProvider: this.provider, ...options });
    await telemetry.start();
    onTestFinished(() => telemetry.stop());
    return telemetry;
  }

  async principal(
    options: Partial<PrincipalOptions> = {},
    disk: MemoryDisk = createMemoryDisk(),
  ): Promise<{ readonly principal: Principal; readonly store: Store; readonly disk: MemoryDisk }> {
    const host = this.virtual.host("principal");
    const store = createMemoryStore({ runtime: host.runtime, disk });
    const acceptor = this.#network.acceptor({ host, address: ADDRESS });
    const principal = createPrincipal({ store, acceptors: [acceptor], runtime: host.runtime, ...options });
    await principal.start();
    return { principal, store, disk };
  }

  async agent(options: Partial<AgentOptions> = {}): Promise<Agent> {
    const host = this.virtual.host("one");
    const store = createMemoryStore({ runtime: host.runtime });
    const dialer = this.#network.dialer({ from: host, to: ADDRESS });
    const agent = createAgent({ name: "one", store, dialer, runtime: host.runtime, ...options });
    await agent.start();
    return agent;
  }

  /** What waits for the agent, as the store has it. */
  async pending(store: Store): Promise<readonly HawserEvent[]> {
    const holder = { session: "test", transport: "", address: "", internal: false, software: "" };
    const on = { event() {}, more() {}, purged: () => 0, lost() {} };
    const lease = await this.settled(store.open("one", holder, () => ({ peerStore: "none" }), on));
    const entries = await this.settled(lease.read(0, 100));
    await this.settled(lease.close());
    return entries.map(({ event }) => event);
  }

  async until(predicate: () => boolean): Promise<void> {
    if (await this.virtual.runUntil(predicate, { timeoutMs: 60_000 })) return;
    throw new Error(
      `not so within a minute of virtual time; spans: ${this.spans.map(({ name }) => name).join()}`,
    );
  }

  /** Waits for a promise under virtual time. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const watched = promise.finally(() => (done = true));
    watched.catch(() => {});
    await this.until(() => done);
    return watched;
  }

  /** Runs `work` inside a span of the application. */
  async inside<T>(name: string, work: (span: Context) => Promise<T>): Promise<T> {
    const span = this.provider.getTracer("application").startSpan(name);
    const active = trace.setSpan(context.active(), span);
    try {
      return await this.settled(context.with(active, () => work(active)));
    } finally {
      span.end();
    }
  }
}

function unregister(): void {
  trace.disable();
  context.disable();
  propagation.disable();
}
