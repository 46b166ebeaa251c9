import { Metadata } from "@grpc/grpc-js";
import { GRPC_CLOSE_CODE_TRAILER } from "@hawser/protocol";
import type { Close } from "@hawser/transport";
import type { BatchWriter } from "./batch-writer.js";
import type { ServerCall } from "./server-call.js";
import { asStatusMessage } from "./service.js";

type State =
  /** The stream goes on. */
  | { readonly name: "none" }
  /** What was sent before it is on its way. */
  | { readonly name: "behind"; readonly close: Close; readonly code: number }
  /** All of that has left. It waits for the client's end of the stream. */
  | { readonly name: "due"; readonly close: Close; readonly code: number }
  | { readonly name: "given" };

/**
 * The status that ends a stream: given once, behind everything sent, and after the client has ended
 * its side, because a client with a failing status may drop what it has not read.
 */
export class FinalStatus {
  readonly #call: ServerCall;
  #state: State = { name: "none" };
  #waitsForClient = true;

  constructor(call: ServerCall) {
    this.#call = call;
  }

  /** All that was sent before the status has left. */
  get isDue(): boolean {
    return this.#state.name === "due" || this.#state.name === "given";
  }

  get isGiven(): boolean {
    return this.#state.name === "given";
  }

  /** The stream ends with this status. Nothing may be sent any more. */
  follow(writer: BatchWriter, close: Close, code: number): void {
    this.#state = { name: "behind", close, code };
    writer.end(() => {
      if (this.#state.name !== "behind") return;
      this.#state = { name: "due", close, code };
      if (!this.#waitsForClient) this.give();
    });
  }

  /** The client has ended its side, or is not worth waiting for. */
  awaitNobody(): void {
    this.#waitsForClient = false;
    this.give();
  }

  /** Gives the status now, where it is due. */
  give(): void {
    if (this.#state.name !== "due") return;
    const { close, code } = this.#state;
    this.#state = { name: "given" };
    const metadata = new Metadata();
    metadata.set(GRPC_CLOSE_CODE_TRAILER, String(close.code));
    this.#call.emit("error", { code, details: asStatusMessage(close.reason), metadata });
  }
}
