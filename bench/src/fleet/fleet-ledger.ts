import { systemClock } from "@hawser/runtime";
import type { FleetEvent, FleetReport } from "./fleet-commands.js";

/** Everything a fleet writes down. */
export class FleetLedger {
  connected = 0;
  /** From being accepted to being applied, of all events that were not slow on purpose. */
  latenciesMs: number[] = [];
  #opened: number[] = [];
  #appliedTwice = 0;
  #redelivered = 0;
  #delays: number[] = [];
  readonly #applied = new Set<number>();
  /** By agent: when its session opened, and how many connections it has had. */
  readonly #sessions = new Map<string, { openedAt: number; connections: number }>();
  /** By agent and event: on which connection it came in first. */
  readonly #received = new Map<string, number>();

  connection(agent: string): number {
    const session = this.#sessions.get(agent) ?? { openedAt: 0, connections: 0 };
    session.connections += 1;
    this.#sessions.set(agent, session);
    return session.connections;
  }

  opened(agent: string): void {
    const now = systemClock.wallTime();
    this.connected += 1;
    this.#opened.push(now);
    const session = this.#sessions.get(agent);
    if (session !== undefined) session.openedAt = now;
  }

  closed(): void {
    this.connected -= 1;
  }

  /** An event came in over the wire, on the n-th connection of its agent. */
  received(agent: string, id: string, connection: number): void {
    const key = `${agent} ${id}`;
    const first = this.#received.get(key);
    if (first === undefined) this.#received.set(key, connection);
    else if (first !== connection) this.#redelivered += 1;
  }

  applied(agent: string, { n, at, slowMs = 0 }: FleetEvent): void {
    if (this.#applied.has(n)) this.#appliedTwice += 1;
    this.#applied.add(n);
    const now = systemClock.wallTime();
    const from = Math.max(at, this.#sessions.get(agent)?.openedAt ?? 0);
    this.#delays.push(now - from - slowMs);
    if (slowMs === 0) this.latenciesMs.push(now - at);
  }

  reset(): void {
    this.#opened = [];
    this.#delays = [];
    this.latenciesMs = [];
    this.#appliedTwice = 0;
    this.#redelivered = 0;
  }

  report(): FleetReport {
    const delays = this.#delays.toSorted((a, b) => a - b);
    return {
      connected: this.connected,
      opened: this.#opened,
      applied: [...this.#applied],
      appliedTwice: this.#appliedTwice,
      redelivered: this.#redelivered,
      maxDelayMs: delays.at(-1) ?? 0,
      p99DelayMs: delays[Math.floor(delays.length * 0.99)] ?? 0,
    };
  }
}
