export { runService, SERVICE_EXIT_CODES, type Service, type ServiceProgram } from "./run-service.js";
export { serviceSettings } from "./service-settings.js";
export { loadSettings, type Loaded, type LoadOptions } from "./load-settings.js";
export {
  duration,
  hostPort,
  hostPortOrUnix,
  integer,
  oneOf,
  setting,
  text,
  toggle,
  type HostPort,
  type Setting,
  type SettingsOf,
  type SettingsShape,
  type UnixPath,
} from "./setting.js";
