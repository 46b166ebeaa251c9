import { ReconnectPolicy } from "@hawser/session";
import type { ResolvedOptions } from "./resolve-options.js";

/** @throws HawserError `invalid_config` for impossible timing */
export function reconnectPolicy({ runtime, reconnect }: ResolvedOptions): ReconnectPolicy {
  const { random } = runtime;
  return new ReconnectPolicy({ random, ...(reconnect === undefined ? {} : { timing: reconnect }) });
}
