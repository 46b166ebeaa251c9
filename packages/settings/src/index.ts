export { loadSettings, type Loaded, type LoadOptions } from "./load-settings.js";
export {
  duration,
  hostPort,
  integer,
  oneOf,
  text,
  toggle,
  type HostPort,
  type Setting,
  type SettingsOf,
  type SettingsShape,
} from "./setting.js";
