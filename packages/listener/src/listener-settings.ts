import { HawserError } from "@hawser/protocol";
import { unixPathProblem } from "@hawser/runtime";
import { DEFAULT_UNIX_SOCKET_MODE, UNIX_SOCKET_MODES } from "@hawser/transport";
import { resolveAdmissionSettings, type AdmissionSettings } from "./admission/admission-settings.js";
import type { Endpoint } from "./endpoint.js";
import type {
  BoundAddress,
  ListenerOptions,
  ListenerTls,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
} from "./listener-options.js";
import { NO_ENDPOINT } from "./endpoint.js";
import { TcpEndpoint } from "./tcp-endpoint.js";
import { UnixEndpoint } from "./unix-endpoint.js";

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

/** As `resolveListenerOptions`. What comes over a Unix socket never leaves the machine, so there is no TLS. */
export function resolveUnixListenerOptions(
  option: string,
  { admission, ...place }: UnixListenerOptions & Pick<ListenerOptions, "admission">,
): ListenerSettings<UnixAddress> {
  return {
    endpoint: resolveEndpoint(option, place),
    tls: undefined,
    proxyProtocol: [],
    maxDescriptor: undefined,
    admission: resolveAdmissionSettings(admission),
  };
}

/** As `resolveListenerOptions`, for a listener without a place of its own. */
export function resolveUpgradeListenerOptions({
  by,
  admission,
}: UpgradeListenerOptions): ListenerSettings<undefined> {
  if (by !== "upgrade")
    throw new HawserError("invalid_config", `listen.by must be "upgrade", not ${JSON.stringify(by)}`);
  return {
    endpoint: NO_ENDPOINT,
    tls: undefined,
    proxyProtocol: [],
    maxDescriptor: undefined,
    admission: resolveAdmissionSettings(admission),
  };
}

/**
 * A port or a Unix socket of this machine, for a server of any kind.
 *
 * @param option name of the setting, for error messages
 * @throws HawserError `invalid_config` naming the option
 */
export function resolveEndpoint(option: string, place: BoundAddress): Endpoint<BoundAddress>;
export function resolveEndpoint(option: string, place: UnixListenerOptions): Endpoint<UnixAddress>;
export function resolveEndpoint(
  option: string,
  place: BoundAddress | UnixListenerOptions,
): Endpoint<BoundAddress | UnixAddress>;
export function resolveEndpoint(
  option: string,
  place: BoundAddress | UnixListenerOptions,
): Endpoint<BoundAddress> | Endpoint<UnixAddress> {
  return "path" in place ? unixEndpoint(option, place) : tcpEndpoint(option, place);
}

function tcpEndpoint(option: string, { host, port }: BoundAddress): Endpoint<BoundAddress> {
  if (host === "")
    throw new HawserError(
      "invalid_config",
      `${option}.host must not be empty; "0.0.0.0" or "::" means every address`,
    );
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new HawserError(
      "invalid_config",
      `${option}.port must be 0 to 65535, where 0 lets the system choose, not ${port}`,
    );
  return new TcpEndpoint(option, { host, port });
}

function unixEndpoint(
  option: string,
  { path, mode = DEFAULT_UNIX_SOCKET_MODE }: UnixListenerOptions,
): Endpoint<UnixAddress> {
  const problem = unixPathProblem(path);
  if (problem !== undefined) throw new HawserError("invalid_config", `${option}.path ${problem}`);
  if (!UNIX_SOCKET_MODES.includes(mode))
    throw new HawserError("invalid_config", `${option}.mode must be 0600 or 0660, not 0${mode.toString(8)}`);
  return new UnixEndpoint(option, path, mode);
}
