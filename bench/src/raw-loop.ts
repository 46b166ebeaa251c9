import { systemClock } from "@hawser/runtime";
import { ClosedLoop } from "./closed-loop.js";

/** A raw transport sends message `sequence` to agent `agent`; the agent answers with the same number. */
export type SendRaw = (agent: number, sequence: number) => void;

/** The closed loop over a raw transport. */
export class RawLoop {
  readonly loop: ClosedLoop;
  readonly #starts: readonly Map<number, number>[];

  constructor(agents: number, send: SendRaw) {
    this.#starts = Array.from({ length: agents }, () => new Map<number, number>());
    let sequence = 0;
    this.loop = new ClosedLoop(agents, (agent) => {
      sequence += 1;
      this.#starts[agent]?.set(sequence, systemClock.now());
      send(agent, sequence);
    });
  }

  acked(agent: number, sequence: number): void {
    const startedAt = this.#starts[agent]?.get(sequence);
    if (startedAt === undefined) throw new Error(`an ACK for message ${sequence}, which is not outstanding`);
    this.#starts[agent]?.delete(sequence);
    this.loop.acked(agent, startedAt);
  }
}
