import { LOG_LEVELS } from "@hawser/runtime";
import { LOG_FORMATS } from "./service-log.js";
import { oneOf, setting, text, toggle } from "./setting.js";

/** Settings of every service. */
export const serviceSettings = {
  logLevel: setting(
    "<level>",
    `one of ${LOG_LEVELS.join(", ")}; default info`,
    oneOf(LOG_LEVELS).default("info"),
  ),
  logFormat: setting(
    "<format>",
    `one of ${LOG_FORMATS.join(", ")}; auto is pretty where standard output is a terminal, else json; default auto`,
    oneOf(LOG_FORMATS).default("auto"),
  ),
  readyFile: setting("<path>", "written once it serves: one JSON line that says so", text().optional()),
  check: {
    description: "try everything a start would, ports and files included, undo it, then end",
    schema: toggle().default(false),
  },
} as const;
