import { agentName } from "../agent-name.js";
import type { FleetEvent, FleetReport, FleetStart } from "../fleet/fleet-commands.js";
import { FleetLedger } from "../fleet/fleet-ledger.js";
import type { StormAgentsCommands } from "./storm-commands.js";

export interface PlainAgent {
  readonly name: string;
  readonly port: number;
  readonly tls: boolean;
  /** Its session opened. */
  opened(): void;
  /** Its session, which had opened, ended. */
  closed(): void;
  event(data: FleetEvent): void;
}

/** Agents that are not ours, many in one process, and what happens to them: written down as ours do. `connect` keeps one of them connected, for good. */
export class PlainAgents implements StormAgentsCommands {
  readonly #ledger = new FleetLedger();
  readonly #connect: (agent: PlainAgent) => void;

  constructor(connect: (agent: PlainAgent) => void) {
    this.#connect = connect;
  }

  start({ first, agents, port, tls = false }: FleetStart): Promise<void> {
    for (let number = first; number < first + agents; number += 1) {
      const name = agentName(number);
      this.#connect({
        name,
        port,
        tls,
        opened: () => {
          this.#ledger.connection(name);
          this.#ledger.opened(name);
        },
        closed: () => this.#ledger.closed(),
        event: (data) => this.#ledger.applied(name, data),
      });
    }
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
}
