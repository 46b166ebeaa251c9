import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createAgent } from "@hawser/agent";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketDialer } from "@hawser/transport-ws";

const [url = "ws://127.0.0.1:7480", root = "folders"] = process.argv.slice(2);

const agent = createAgent({
  name: "files-1",
  store: createJournalStore({ directory: "agent-data" }),
  dialer: createWebSocketDialer({ url, subprotocol: "cloudevents.json" }),
  observer: { state: ({ kind }) => console.log(kind) },
  handlers: {
    // Both may run again after a crash, and making or removing a folder twice does no harm. Names are safe as file names.
    Folder: {
      async apply({ name }) {
        const made = await mkdir(join(root, name), { recursive: true });
        return { state: "made", existed: made === undefined };
      },
      async delete({ name }) {
        await rm(join(root, name), { recursive: true, force: true });
      },
    },
  },
});
process.once("SIGINT", () => void agent.stop());
await agent.start();
