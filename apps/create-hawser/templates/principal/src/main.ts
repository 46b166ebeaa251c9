import { createJournalStore } from "@hawser/store-journal";
import { pino } from "pino";
import { createControlPlane } from "./control-plane.js";
import { readSettings } from "./settings.js";

const settings = readSettings(process.env);
const logger = pino();
const plane = createControlPlane(settings, createJournalStore({ directory: settings.dataDirectory }), logger);

// A second signal ends the process at once.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void plane.stop());

logger.info(await plane.start(), "ready");
