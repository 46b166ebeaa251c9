import { createAgent } from "@hawser/agent";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketDialer } from "@hawser/transport-ws";

const [url = "ws://127.0.0.1:3000/agents"] = process.argv.slice(2);

const agent = createAgent({
  name: "edge-1",
  store: createJournalStore({ directory: "agent-data" }),
  dialer: createWebSocketDialer({
    url,
    subprotocol: "cloudevents.json",
    authorization: () => "Bearer a-secret-of-edge-1",
  }),
  handlers: {
    Note: {
      async apply({ name, spec }) {
        console.log(`${name}: ${JSON.stringify(spec)}`);
        return { state: "read" };
      },
      async delete({ name }) {
        console.log(`${name} is gone`);
      },
    },
  },
});
process.once("SIGINT", () => void agent.stop());

await agent.start();
