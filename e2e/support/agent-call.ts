import {
  encodeControl,
  parseMessage,
  type CloudEvent,
  type ControlMessage,
  type ControlType,
  type HawserEvent,
  type Welcome,
} from "@hawser/protocol";

/** One connection of an agent to a principal written by hand. */
export abstract class AgentCall {
  /** What was said about the end, by either side and in order, as it was on the wire. */
  readonly wire: string[] = [];
  /** What the agent sent that is no control message. */
  readonly events: HawserEvent[] = [];
  readonly #messages: ControlMessage[] = [];
  #ids = 0;

  /** The first message of this type the agent has sent; undefined while it has sent none. */
  heard<T extends ControlType>(type: T): (ControlMessage & { readonly type: T }) | undefined {
    return this.#messages.find(
      (message): message is ControlMessage & { readonly type: T } => message.type === type,
    );
  }

  say(message: ControlMessage): void {
    this.send(encodeControl(message, { id: `p-${++this.#ids}`, source: "/principal/by-hand" }));
  }

  welcome(terms: Partial<Welcome> = {}): void {
    this.say({
      type: "welcome",
      protocol_version: "1",
      session_id: "by-hand",
      epoch: 1,
      store: "by-hand",
      window: 16,
      settled: "0",
      heartbeat_interval_ms: 20_000,
      heartbeat_timeout_ms: 60_000,
      software: "by hand",
      ...terms,
    });
  }

  abstract send(event: CloudEvent): void;
  /** Bytes in the place of a message. */
  abstract sendGarbage(): void;
  abstract sendBytes(bytes: Uint8Array): void;
  /** Stops to read, as a process that hangs does. */
  abstract pause(): void;
  /** The close of the transport, with the code and the reason. */
  abstract close(code: number, reason: string): void;
  /** The end of the TCP connection without a close: a FIN, or a RST. */
  abstract drop(how: "FIN" | "RST"): void;

  protected received(event: CloudEvent): void {
    const parsed = parseMessage(event);
    if (parsed.kind === "control") this.#messages.push(parsed.message);
    else this.events.push(parsed.event);
  }

  protected note(by: "agent" | "principal", what: string): void {
    this.wire.push(`${by}: ${what}`);
  }
}

/** What a dial is answered with that does not become a stream. */
export interface DialAnswer {
  /** HTTP status; with gRPC, 200 where the answer is a gRPC status. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A principal that does what a test says, and nothing by itself but to take connections. */
export interface HandMadePrincipal {
  readonly host: string;
  readonly port: number;
  /** TCP connections taken so far. */
  readonly connections: number;
  /** Connections that became a stream, oldest first. */
  readonly calls: readonly AgentCall[];
  /** Undefined: dials are answered with a stream. */
  answer: DialAnswer | undefined;
  stop(): Promise<void>;
}
