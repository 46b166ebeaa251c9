import { proxyFromEnvironment, type ProxySettings } from "@hawser/transport";
import { isSecure } from "./principal-url.js";
import type { AgentSettings } from "./settings.js";

/** What `--proxy` says where no proxy is wanted, whatever the environment names. */
const NO_PROXY_WORD = "none";

type Environment = Readonly<Record<string, string | undefined>>;

/** The way out of the network: as the settings say, else as the environment does. */
export function proxyOf(
  { proxy, noProxy, url }: Pick<AgentSettings, "proxy" | "noProxy" | "url">,
  env: Environment,
): ProxySettings | undefined {
  if (proxy === NO_PROXY_WORD) return undefined;
  const fromEnvironment = proxyFromEnvironment(env, isSecure(url));
  const chosen = proxy === undefined ? fromEnvironment : { url: proxy, from: "--proxy" };
  if (chosen === undefined) return undefined;
  return { ...chosen, exceptions: noProxy ?? env.no_proxy ?? env.NO_PROXY ?? "" };
}
