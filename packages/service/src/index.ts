export { runService, SERVICE_EXIT_CODES, type Service, type ServiceProgram } from "./run-service.js";
export { serviceSettings } from "./service-settings.js";
export { loadSettings, type Loaded, type LoadOptions } from "./load-settings.js";
export {
  duration,
  hostPort,
  integer,
  oneOf,
  setting,
  text,
  toggle,
  type HostPort,
  type Setting,
  type SettingsOf,
  type SettingsShape,
} from "./setting.js";
