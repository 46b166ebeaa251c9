import { HawserError } from "@hawser/protocol";
import { resolveAdmissionSettings, type AdmissionSettings } from "./admission/admission-settings.js";
import { NO_ENDPOINT, resolveEndpoint, type Endpoint } from "./endpoint.js";
import type {
  BoundAddress,
  ListenerOptions,
  ListenerTls,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
} from "./listener-options.js";

/** Loopback, because a port without credentials must not be reachable by accident. */
export const DEFAULT_LISTEN_HOST = "127.0.0.1";

export interface ListenerSettings<Address> {
  readonly endpoint: Endpoint<Address>;
  readonly tls: ListenerTls | undefined;
  readonly proxyProtocol: readonly string[];
  readonly maxDescriptor: number | undefined;
  readonly admission: AdmissionSettings;
}

/**
 * Fills in the defaults.
 *
 * @param option name of the setting, for error messages
 * @throws HawserError `invalid_config` naming the option
 */
export function resolveListenerOptions(
  option: string,
  { host = DEFAULT_LISTEN_HOST, port, tls, admission, maxDescriptor, proxyProtocol = [] }: ListenerOptions,
): ListenerSettings<BoundAddress> {
  return {
    endpoint: resolveEndpoint(option, { host, port }),
    tls,
    proxyProtocol,
    maxDescriptor,
    admission: resolveAdmissionSettings(admission),
  };
}

/** As `resolveListenerOptions`. A Unix socket stays within the machine, so there is no TLS. */
export function resolveUnixListenerOptions(
  option: string,
  { admission, ...place }: UnixListenerOptions & Pick<ListenerOptions, "admission">,
): ListenerSettings<UnixAddress> {
  return plainSettings(resolveEndpoint(option, place), admission);
}

/** As `resolveListenerOptions`, for a listener without a place of its own. */
export function resolveUpgradeListenerOptions({
  by,
  admission,
}: UpgradeListenerOptions): ListenerSettings<undefined> {
  if (by !== "upgrade")
    throw new HawserError("invalid_config", `listen.by must be "upgrade", not ${JSON.stringify(by)}`);
  return plainSettings(NO_ENDPOINT, admission);
}

function plainSettings<Address>(
  endpoint: Endpoint<Address>,
  admission: Partial<AdmissionSettings> | undefined,
): ListenerSettings<Address> {
  return {
    endpoint,
    tls: undefined,
    proxyProtocol: [],
    maxDescriptor: undefined,
    admission: resolveAdmissionSettings(admission),
  };
}
