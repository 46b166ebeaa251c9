import {
  DEFAULT_WINDOW_BYTES,
  HawserError,
  LIMITS,
  nackKey,
  parseMessage,
  type Ack,
  type CloudEvent,
  type Goodbye,
  type Message,
  type Nack,
  type ValueSize,
} from "@hawser/protocol";
import { guarded, type Clock } from "@hawser/runtime";
import type { AgentSession, PrincipalSession } from "@hawser/session";
import type { Attachment } from "./attachment.js";
import type { LinkOptions } from "./link-options.js";
import type { SessionDriver } from "./session-driver.js";

// Tolerated multiple of the window: handlers of the earlier session may still run.
const WINDOW_TOLERANCE = 2;

/** Routes input: control to the session, answers to the sender, events to the receiver. */
export class EventIntake {
  readonly #driver: SessionDriver<AgentSession | PrincipalSession>;
  readonly #clock: Clock;
  readonly #window: number;
  readonly #windowBytes: number;

  constructor(
    driver: SessionDriver<AgentSession | PrincipalSession>,
    { runtime, window, windowBytes = DEFAULT_WINDOW_BYTES }: LinkOptions,
  ) {
    this.#driver = driver;
    this.#clock = runtime.clock;
    this.#window = window;
    this.#windowBytes = windowBytes;
  }

  /**
   * @param attachment undefined before there is a mailbox: then nothing was sent that an answer
   *   could be for
   */
  control(event: CloudEvent, attachment: Attachment | undefined): void {
    const parsed = parseMessage(event);
    if (parsed.kind !== "control")
      throw new HawserError("invalid_message", `${event.type} is not a control message`);
    const { message } = parsed;
    if (message.type === "goodbye" && attachment !== undefined) {
      // Where the peer comes next, nothing that it has acknowledged is to be sent to it again.
      void attachment.flush().then(() => this.#said(message));
      return;
    }
    const outputs = this.#driver.session.receive(message, this.#clock.now());
    if ((message.type !== "ack" && message.type !== "nack") || outputs.length > 0)
      this.#driver.perform(outputs);
    else if (attachment !== undefined) this.#answered(message, attachment);
  }

  #said(message: Goodbye): void {
    guarded(
      () => this.#driver.perform(this.#driver.session.receive(message, this.#clock.now())),
      (thrown) => this.#driver.fail(HawserError.from(thrown)),
    );
  }

  #answered(message: Ack | Nack, attachment: Attachment): void {
    const { sender } = attachment;
    attachment.joined();
    if (message.type === "nack") sender.nack(message);
    else {
      for (const key of message.acks) sender.ack(key, message.recorded);
    }
    this.#driver.scheduleFlush();
  }

  /** Whether the peer may send an event now; where it may not, the session is closed for it. */
  mayReceive(): boolean {
    const { session } = this.#driver;
    const outputs = session.eventReceived(this.#clock.now());
    if (outputs.length > 0) this.#driver.perform(outputs);
    return session.mayReceiveEvents;
  }

  /** @param event or what is wrong with one that cannot be read */
  event(event: CloudEvent | HawserError, size: ValueSize, attachment: Attachment): void {
    if (!this.mayReceive()) return;
    let parsed: Message;
    try {
      if (event instanceof HawserError) throw event;
      parsed = parseMessage(event);
    } catch (thrown) {
      this.#refuse(HawserError.from(thrown));
      return;
    }
    if (parsed.kind !== "event") throw new HawserError("invalid_message", `${event.type} is not an event`);
    attachment.joined();
    const { receiver } = attachment.peer;
    receiver.receive(parsed.event, parsed.version, size);
    this.checkWindow(receiver.applying, receiver.applyingBytes);
  }

  // An event that can be named is refused alone. Any other is a broken peer's error.
  #refuse(error: HawserError): void {
    const key = nackKey(error);
    if (key === undefined) throw error;
    const { code, message } = error;
    const fields = { resource_id: key.resourceid, event_id: key.eventid, code };
    this.#driver.logger.warn(fields, `refused an event: ${message}`);
    this.#driver.nack({ ...key, retryable: code === "inbox_full", code, message });
  }

  /**
   * An event that is larger than the window may come alone, and behind one that gave way to it.
   *
   * @throws HawserError `window_exceeded`
   */
  checkWindow(events: number, bytes: number): void {
    const mostBytes = Math.max(this.#windowBytes, LIMITS.maxFrameBytes) * WINDOW_TOLERANCE;
    const isTooMany = events > this.#window * WINDOW_TOLERANCE;
    if (!isTooMany && bytes <= mostBytes) return;
    const what = isTooMany ? `${this.#window} events` : `${this.#windowBytes} bytes of events`;
    throw new HawserError(
      "window_exceeded",
      `the peer sent more than ${what} without waiting for ACKs; it must keep to the announced window`,
    );
  }
}
