import { type CloudEvent, jsonCodec, protobufCodec } from "@hawser/protocol";

/** The two subprotocols of the CloudEvents WebSocket binding this project speaks. */
export const SUBPROTOCOLS = ["cloudevents.json", "cloudevents.proto"] as const;
/** A subprotocol of the CloudEvents WebSocket binding. */
export type Subprotocol = (typeof SUBPROTOCOLS)[number];

/** How events of one subprotocol become WebSocket messages and back: one event per message. */
export interface Framing {
  readonly transport: "ws-json" | "ws-proto";
  /** Binary messages or text ones; the other kind is refused with 1003. */
  readonly binary: boolean;
  /** @param json the event as the JSON codec writes it, if known */
  encode(event: CloudEvent, json?: string): string | Uint8Array;
  /** @throws HawserError `invalid_event` */
  decode(message: Buffer): CloudEvent;
}

const FRAMINGS: Readonly<Record<Subprotocol, Framing>> = {
  "cloudevents.json": {
    transport: "ws-json",
    binary: false,
    encode: (event, json) => json ?? jsonCodec.encode(event),
    // The receiver has checked the UTF-8 already.
    decode: (message) => jsonCodec.decode(message.toString("utf8")),
  },
  "cloudevents.proto": {
    transport: "ws-proto",
    binary: true,
    encode: (event) => protobufCodec.encode(event),
    decode: (message) => protobufCodec.decode(message),
  },
};

export function framingOf(subprotocol: Subprotocol): Framing {
  return FRAMINGS[subprotocol];
}

export function isSubprotocol(value: unknown): value is Subprotocol {
  return SUBPROTOCOLS.some((subprotocol) => subprotocol === value);
}

/**
 * The client's first choice among the supported ones (RFC 6455, section 4.2.2, lets the server
 * choose).
 */
export function chooseSubprotocol(offered: string, spoken: readonly Subprotocol[]): Subprotocol | undefined {
  for (const offer of offered.split(",")) {
    const name = offer.trim();
    if (isSubprotocol(name) && spoken.includes(name)) return name;
  }
  return undefined;
}
