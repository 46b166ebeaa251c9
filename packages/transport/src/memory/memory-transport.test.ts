import { jsonCodec, protobufCodec } from "@hawser/protocol";
import { type TransportUnderTest, transportCompliance } from "../compliance.js";
import { createMemoryTransport, type MemoryTransportOptions } from "./memory-transport.js";

function make(options: MemoryTransportOptions): () => Promise<TransportUnderTest> {
  return () => {
    const { acceptor, dialer, createDialer } = createMemoryTransport(options);
    const neighbour = createDialer({ address: "neighbour" });
    return Promise.resolve({ acceptor, wire: { kind: "in-process", dialer, faults: dialer, neighbour } });
  };
}

transportCompliance("memory", make({}), { medium: "in-process" });
transportCompliance("memory through JSON", make({ codec: jsonCodec }), { medium: "in-process" });
transportCompliance("memory through protobuf", make({ codec: protobufCodec }), { medium: "in-process" });
