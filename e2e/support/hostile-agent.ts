import {
  encodeClose,
  encodeControl,
  jsonCodec,
  parseMessage,
  protobufCodec,
  type CloudEvent,
  type ControlMessage,
  type Hello,
} from "@hawser/protocol";
import { eventually } from "./eventually.js";
import { RawGrpc } from "./raw-grpc.js";
import { RawWebSocket } from "./raw-websocket.js";
import type { Wire } from "./wire.js";

type Place = { readonly host: string; readonly port: number };

/** Speaks the protocol as far as a test wants it to, and then something else. */
export class HostileAgent<W extends Wire = Wire> {
  readonly name: string;
  readonly wire: W;
  readonly #binary: boolean;
  #ids = 0;

  constructor(name: string, wire: W, binary: boolean) {
    this.name = name;
    this.wire = wire;
    this.#binary = binary;
  }

  static async overWebSocket(
    name: string,
    place: Place,
    subprotocol: "cloudevents.json" | "cloudevents.proto" = "cloudevents.json",
  ): Promise<HostileAgent<RawWebSocket>> {
    const wire = await RawWebSocket.open(place, { "sec-websocket-protocol": subprotocol });
    if (!(wire instanceof RawWebSocket)) throw new Error(`refused: ${wire.status} ${wire.body}`);
    return new HostileAgent(name, wire, subprotocol === "cloudevents.proto");
  }

  static async overGrpc(name: string, place: Place): Promise<HostileAgent<RawGrpc>> {
    return new HostileAgent(name, await RawGrpc.open(place), true);
  }

  /** Says hello and waits for the answer, which must be a welcome. */
  async openSession(hello: Partial<Hello> = {}): Promise<void> {
    this.hello(hello);
    await this.heard("welcome");
  }

  hello(hello: Partial<Hello> = {}): void {
    this.control({
      type: "hello",
      agent: this.name,
      protocol_versions: ["1"],
      store: `store-of-${this.name}`,
      window: 16,
      settled: "0",
      software: "hostile",
      ...hello,
    });
  }

  control(message: ControlMessage): void {
    this.send(encodeControl(message, { id: `c${++this.#ids}`, source: `/agents/${this.name}` }));
  }

  /** The close of the transport, with a code and a reason, as an agent says it. */
  close(code: number, reason: string): void {
    const { wire } = this;
    if (wire instanceof RawWebSocket) wire.close(code, reason);
    if (!(wire instanceof RawGrpc)) return;
    this.send(encodeClose({ code, reason }, { id: `c${++this.#ids}`, source: `/agents/${this.name}` }));
    wire.halfClose();
  }

  send(event: CloudEvent): void {
    this.wire.sendFrame(this.#binary ? protobufCodec.encode(event) : jsonCodec.encode(event));
  }

  /** The first control message of this type that the principal sent, once it has. */
  heard<T extends ControlMessage["type"]>(type: T): Promise<ControlMessage & { readonly type: T }> {
    return eventually(`${this.name} hears ${type}`, () => this.said(type));
  }

  /** As `heard`, as far as it has come. */
  said<T extends ControlMessage["type"]>(type: T): (ControlMessage & { readonly type: T }) | undefined {
    for (const frame of this.wire.frames) {
      const event =
        typeof frame === "string" ? jsonCodec.decode(frame) : protobufCodec.decode(Uint8Array.from(frame));
      const parsed = parseMessage(event);
      if (parsed.kind === "control" && isOfType(parsed.message, type)) return parsed.message;
    }
    return undefined;
  }
}

function isOfType<T extends ControlMessage["type"]>(
  message: ControlMessage,
  type: T,
): message is ControlMessage & { readonly type: T } {
  return message.type === type;
}
