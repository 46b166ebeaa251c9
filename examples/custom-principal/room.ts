import { createAgent, defineHandler } from "@hawser/agent";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { Heater } from "./heater.js";

const [url = "ws://127.0.0.1:7480"] = process.argv.slice(2);
let celsius = 16.5;

const agent = createAgent({
  name: "room-1",
  store: createJournalStore({ directory: "room-data" }),
  dialer: createWebSocketDialer({
    url,
    subprotocol: "cloudevents.json",
    authorization: () => "Bearer a-secret-of-room-1",
  }),
  handlers: {
    Heater: defineHandler(Heater, {
      async apply({ spec: { on } }) {
        console.log(`the heater is ${on ? "on" : "off"}`);
        if (on) await warmUp();
        return { on };
      },
      async delete() {},
    }),
  },
});

async function report(): Promise<void> {
  await agent.publish({
    specversion: "1.0",
    id: `reading-${celsius}`,
    source: "/rooms/1",
    type: "com.example.reading.v1",
    resourceid: "thermometer_1",
    data: { celsius },
  });
}

/** Warm at once: the example is about the events. */
async function warmUp(): Promise<void> {
  celsius += 4;
  await report();
}

process.once("SIGINT", () => void agent.stop());
await agent.start();
await report();
