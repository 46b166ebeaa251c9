import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createAgent, defineHandler } from "@hawser/agent";
import { defineKind } from "@hawser/protocol";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { z } from "zod";

const Folder = defineKind("Folder", {
  spec: z.object({ shared: z.boolean().default(false) }),
  status: z.object({ state: z.literal("made"), existed: z.boolean() }),
});
const [url = "ws://127.0.0.1:7480", root = "folders"] = process.argv.slice(2);

const agent = createAgent({
  name: "files-1",
  store: createJournalStore({ directory: "agent-data" }),
  dialer: createWebSocketDialer({ url, subprotocol: "cloudevents.json" }),
  observer: { state: ({ kind }) => console.log(kind) },
  handlers: {
    // Both may run again after a crash, and making or removing a folder twice does no harm. Names are safe as file names.
    Folder: defineHandler(Folder, {
      async apply({ name, spec: { shared } }) {
        const made = await mkdir(join(root, name), { recursive: true, mode: shared ? 0o755 : 0o700 });
        return { state: "made", existed: made === undefined };
      },
      async delete({ name }) {
        await rm(join(root, name), { recursive: true, force: true });
      },
    }),
  },
});
process.once("SIGINT", () => void agent.stop());
await agent.start();
