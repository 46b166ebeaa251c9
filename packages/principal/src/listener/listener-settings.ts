import { HawserError } from "@hawser/protocol";
import { resolveAdmissionSettings, type AdmissionSettings } from "./admission/admission-settings.js";
import type { ListenerOptions, ListenerTls } from "./listener-options.js";

/** Loopback, because a port without credentials must not be reachable by accident. */
export const DEFAULT_LISTEN_HOST = "127.0.0.1";

export interface ListenerSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: ListenerTls | undefined;
  readonly admission: AdmissionSettings;
}

/** Fills in the defaults. @throws HawserError `invalid_config` naming the option */
export function resolveListenerOptions(options: ListenerOptions): ListenerSettings {
  const settings: ListenerSettings = {
    host: options.host ?? DEFAULT_LISTEN_HOST,
    port: options.port,
    tls: options.tls,
    admission: resolveAdmissionSettings(options.admission),
  };
  checkListenHost("listen.host", settings.host);
  checkListenPort("listen.port", settings.port);
  return settings;
}

export function checkListenHost(option: string, host: string): void {
  if (host !== "") return;
  throw new HawserError(
    "invalid_config",
    `${option} must not be empty; "0.0.0.0" or "::" means every address`,
  );
}

export function checkListenPort(option: string, port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new HawserError(
    "invalid_config",
    `${option} must be 0 to 65535, where 0 lets the system choose, not ${port}`,
  );
}
