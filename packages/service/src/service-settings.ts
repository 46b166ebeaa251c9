import { LOG_LEVELS } from "@hawser/runtime";
import { oneOf, setting, text, toggle } from "./setting.js";

/** Settings every service has. */
export const serviceSettings = {
  logLevel: setting(
    "<level>",
    `one of ${LOG_LEVELS.join(", ")}; default info`,
    oneOf(LOG_LEVELS).default("info"),
  ),
  readyFile: setting("<path>", "written once it serves: one JSON line that says so", text().optional()),
  check: {
    description: "try everything a start would, ports and files included, undo it, then end",
    schema: toggle().default(false),
  },
} as const;
