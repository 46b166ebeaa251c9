import { HawserError, type CloudEvent } from "@hawser/protocol";
import { guarded, type Runtime, type Timer } from "@hawser/runtime";
import type { Connection } from "@hawser/transport";
import type { AgentRates } from "./agent-rates.js";
import type { FairTurns, Turn } from "./fair-turns.js";

/** Less than this is not waited for: a pause costs more than it holds back. */
const MIN_WAIT_MS = 5;

/** As what an event counts that could not be read. */
const UNREAD_EVENT = { type: "" };

/** Holds one connection back: to its turn of the event loop, and to what its agent may send a second. */
export class Throttle {
  readonly #connection: Pick<Connection, "pause" | "resume" | "terminate">;
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #turns: FairTurns;
  readonly #turn: Turn;
  readonly #paused: Set<Throttle>;
  #rates: AgentRates | undefined;
  #isWaitingForTurn = false;
  #wait: Timer | undefined;
  #hasEnded = false;

  /** @param paused those that wait for what their agents may send, this one among them while it does */
  constructor(
    connection: Pick<Connection, "pause" | "resume" | "terminate">,
    turns: FairTurns,
    runtime: Pick<Runtime, "clock" | "timers">,
    paused: Set<Throttle> = new Set(),
  ) {
    this.#connection = connection;
    this.#runtime = runtime;
    this.#turns = turns;
    this.#paused = paused;
    this.#turn = turns.newTurn();
  }

  /** From here on it is known whose connection it is. */
  use(rates: AgentRates): void {
    this.#rates = rates;
  }

  /** A message was handled. */
  handled(event: CloudEvent, bytes: number): void {
    this.#spend(event, bytes);
  }

  /** An event was refused that could not be read. */
  refused(bytes: number): void {
    this.#spend(UNREAD_EVENT, bytes);
  }

  #spend(event: { readonly type: string }, bytes: number): void {
    if (this.#hasEnded) return;
    this.#turns.served(this.#turn, this, bytes);
    const waitMs = this.#rates?.spend(event, bytes, this.#runtime.clock.now()) ?? 0;
    if (waitMs < MIN_WAIT_MS) return;
    // What was read before the pause took hold makes the debt larger.
    this.#wait?.cancel();
    this.#paused.add(this);
    this.#wait = this.#runtime.timers.after(waitMs, () => {
      this.#wait = undefined;
      this.#paused.delete(this);
      this.#goOn();
    });
    this.#connection.pause();
  }

  pause(): void {
    this.#isWaitingForTurn = true;
    this.#connection.pause();
  }

  resume(): void {
    this.#isWaitingForTurn = false;
    this.#goOn();
  }

  ended(): void {
    this.#hasEnded = true;
    this.#wait?.cancel();
    this.#paused.delete(this);
    this.#turns.forget(this.#turn);
  }

  #goOn(): void {
    if (this.#hasEnded || this.#isWaitingForTurn || this.#wait !== undefined) return;
    // In a timer, behind which other connections wait for their turn.
    guarded(
      () => this.#connection.resume(),
      (thrown) => this.#connection.terminate(HawserError.from(thrown)),
    );
  }
}
