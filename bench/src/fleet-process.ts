import { createAgent, type Agent } from "@hawser/agent";
import { systemRuntime, systemTimers } from "@hawser/runtime";
import { createMemoryStore, type Store } from "@hawser/store";
import type { Connection, Dialer, DialOptions } from "@hawser/transport";
import { agentName } from "./agent-name.js";
import type { FleetCommands, FleetEvent, FleetReport, FleetStart } from "./fleet/fleet-commands.js";
import { FleetLedger } from "./fleet/fleet-ledger.js";
import { dialerFor } from "./dialer-for.js";
import { rotationOptions } from "./rotation-kind.js";
import { serveCommands } from "./served-commands.js";
import type { TransportName } from "./child-commands.js";

/** Production agents with stores in memory, many in one process, and what happens to them. */
class FleetProcess implements FleetCommands {
  readonly #ledger = new FleetLedger();
  readonly #running: { readonly agent: Agent; readonly store: Store }[] = [];
  #port = 0;

  async start({
    first,
    agents,
    transports,
    port,
    tls = false,
    reconnectMaxMs,
    rotation,
  }: FleetStart): Promise<void> {
    this.#port = port;
    for (let number = first; number < first + agents; number += 1) {
      const name = agentName(number);
      const transport = transports[number % transports.length] ?? "ws-json";
      const store = createMemoryStore();
      await store.start();
      let open = false;
      const agent = createAgent({
        // Says nothing: a storm is thousands of agents that cannot connect.
        runtime: systemRuntime(),
        name,
        store,
        dialer: this.#dialer(name, transport, tls),
        ...(rotation === undefined ? {} : rotationOptions(rotation)),
        ...(reconnectMaxMs === undefined ? {} : { reconnect: { backoffMaxMs: reconnectMaxMs } }),
        onEvent: async ({ event }) => {
          // This process only ever gets events of its own test.
          const data = event.data as unknown as FleetEvent;
          if (data.slowMs !== undefined) await wait(data.slowMs);
          this.#ledger.applied(name, data);
        },
        observer: {
          state: ({ kind }) => {
            if (open) this.#ledger.closed();
            open = kind === "connected";
            if (open) this.#ledger.opened(name);
          },
        },
      });
      await agent.start();
      this.#running.push({ agent, store });
    }
  }

  aim({ port }: { readonly port: number }): Promise<void> {
    this.#port = port;
    return Promise.resolve();
  }

  connected(): Promise<number> {
    return Promise.resolve(this.#ledger.connected);
  }

  report(): Promise<FleetReport> {
    return Promise.resolve(this.#ledger.report());
  }

  latencies(): Promise<readonly number[]> {
    return Promise.resolve(this.#ledger.latenciesMs);
  }

  reset(): Promise<void> {
    this.#ledger.reset();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#running.map(async ({ agent, store }) => {
        await agent.stop({ graceMs: 1_000 });
        await store.stop();
      }),
    );
  }

  /** Dials wherever the fleet is aimed at, and writes down what comes in. */
  #dialer(name: string, transport: TransportName, tls: boolean): Dialer {
    return {
      transport,
      dial: async (options?: DialOptions) => {
        const connection = await dialerFor(transport, this.#port, tls).dial(options);
        return this.#watched(name, connection);
      },
    };
  }

  #watched(name: string, connection: Connection): Connection {
    const number = this.#ledger.connection(name);
    const open = connection.open.bind(connection);
    connection.open = (handlers) =>
      open({
        message: (event) => {
          if (event.eventid !== undefined && event.source.startsWith("/storm")) {
            this.#ledger.received(name, event.id, number);
          }
          handlers.message(event);
        },
        writable: () => handlers.writable(),
        ended: (end) => handlers.ended(end),
      });
    return connection;
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemTimers.after(ms, resolve);
  });
}

serveCommands(new FleetProcess());
