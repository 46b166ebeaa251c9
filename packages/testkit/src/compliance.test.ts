import { jsonCodec } from "@hawser/protocol";
import { systemTimers } from "@hawser/runtime";
import { transportCompliance } from "@hawser/transport/compliance";
import { onTestFinished } from "vitest";
import { createSimulatedNetwork, createVirtualRuntime } from "./index.js";

// What holds for real transports has to hold for the simulated one, or a simulation proves nothing. The suite waits for promises, so virtual
// time is moved on for it, a millisecond per turn of the event loop.
for (const seed of [1, 2, 3]) {
  const make = async () => {
    const virtual = createVirtualRuntime({ seed });
    const network = createSimulatedNetwork({
      virtual,
      codec: jsonCodec,
      faults: { latencyMinMs: 0.5, latencyMaxMs: 5 },
    });
    keepMoving(() => virtual.advance(1));
    let endPartition = (): void => {};
    const to = "principal:443";
    return {
      acceptor: network.acceptor({ host: virtual.host("principal"), address: to }),
      wire: {
        kind: "in-process" as const,
        dialer: network.dialer({ from: virtual.host("agent"), to }),
        neighbour: network.dialer({ from: virtual.host("neighbour"), to }),
        faults: {
          cut: () => void network.cut({ from: "agent" }),
          blackhole: () => {
            endPartition = network.partition({ from: "agent" });
          },
          restore: () => endPartition(),
        },
      },
    };
  };
  transportCompliance(`simulated network, seed ${seed}`, make, { medium: "in-process" });
}

function keepMoving(advance: () => Promise<void>): void {
  let isRunning = true;
  onTestFinished(() => {
    isRunning = false;
  });
  const run = async (): Promise<void> => {
    while (isRunning) {
      await advance();
      await new Promise<void>((resolve) => void systemTimers.soon(resolve));
    }
  };
  void run();
}
