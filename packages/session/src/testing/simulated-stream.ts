import { HawserError, isCleanClose, type CloseCode, type ControlMessage } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import type { TransportEnd } from "../session-end.js";
import type { Agenda } from "./agenda.js";

export type Frame =
  | { readonly kind: "control"; readonly message: ControlMessage }
  | { readonly kind: "event"; readonly id: number }
  | { readonly kind: "ack"; readonly id: number };

export interface StreamHandlers {
  frame(frame: Frame): void;
  ended(end: TransportEnd): void;
}

type Wire =
  | Frame
  | { readonly kind: "close"; readonly code: number; readonly reason: string; readonly echo: boolean };

const MAX_DELAY_MS = 150;

/** One side of a stream with the close handshake of a WebSocket: in order, behind everything sent, echoed by the other side. */
export class StreamEnd {
  readonly #agenda: Agenda;
  readonly #random: Random;
  #peer: StreamEnd | undefined;
  #handlers: StreamHandlers | undefined;
  #arrivesAtMs = 0;
  #closeSent: number | undefined;
  /** Nothing leaves here any more and nobody is told: one half of a half-open connection. */
  silent = false;
  over = false;

  constructor(agenda: Agenda, random: Random) {
    this.#agenda = agenda;
    this.#random = random;
  }

  connect(peer: StreamEnd, handlers: StreamHandlers): void {
    this.#peer = peer;
    this.#handlers = handlers;
  }

  send(frame: Frame): void {
    if (this.over || this.#closeSent !== undefined) throw new Error(`${frame.kind} was sent after the close`);
    this.#transmit(frame);
  }

  close(code: CloseCode, reason: string): void {
    if (this.over || this.#closeSent !== undefined) return;
    this.#closeSent = code;
    this.#transmit({ kind: "close", code, reason, echo: false });
  }

  /** Ends here now; the other side hears of it as a reset, if it hears anything. */
  terminate(error: HawserError): void {
    this.end({ kind: "lost", error });
    this.#after(() => this.#peer?.end(LOST));
  }

  end(end: TransportEnd): void {
    if (this.over) return;
    this.over = true;
    this.#handlers?.ended(end);
  }

  #transmit(wire: Wire): void {
    this.#after(() => this.#peer?.arrive(wire));
  }

  #after(act: () => void): void {
    const { nowMs } = this.#agenda;
    this.#arrivesAtMs = Math.max(this.#arrivesAtMs, nowMs + this.#random.next() * MAX_DELAY_MS);
    this.#agenda.after(this.#arrivesAtMs - nowMs, () => {
      if (!this.silent) act();
    });
  }

  arrive(wire: Wire): void {
    if (this.over) return;
    if (wire.kind !== "close") {
      this.#handlers?.frame(wire);
      return;
    }
    const answered = this.#closeSent !== undefined;
    this.#closeSent ??= wire.code;
    if (!answered) this.#transmit({ ...wire, echo: true });
    const { code, reason } = wire;
    this.end({ kind: "closed", clean: isCleanClose(code), code, reason, by: wire.echo ? "local" : "peer" });
  }
}

export const LOST: TransportEnd = {
  kind: "lost",
  error: new HawserError("connection_closed", "connection reset"),
};
