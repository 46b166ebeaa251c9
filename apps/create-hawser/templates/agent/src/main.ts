import { createAgent } from "@hawser/agent";
import { systemRuntime } from "@hawser/runtime";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { pino } from "pino";
import { folderHandler } from "./folder.js";
import { authorization, readSettings } from "./settings.js";

const settings = readSettings(process.env);

const agent = createAgent({
  name: settings.name,
  store: createJournalStore({ directory: settings.dataDirectory }),
  dialer: createWebSocketDialer({
    url: settings.url,
    subprotocol: "cloudevents.json",
    authorization: () => authorization(settings),
  }),
  // Every line says which agent it is of.
  runtime: systemRuntime(pino({ base: null })),
  handlers: {
    Folder: folderHandler(settings.root),
  },
});

// What was accepted and is not acknowledged stays on disk, so that a stop loses nothing; a second signal ends the process at once.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void agent.stop());

await agent.start();
