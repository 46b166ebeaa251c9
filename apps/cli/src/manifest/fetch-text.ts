import { proxyFromEnvironment } from "@hawser/transport";
import { routeTo } from "../api/proxied-agent.js";
import { request, type Answer } from "../api/request.js";
import { CommandError, usageError } from "../exit-codes.js";

/** Of one address; a principal takes no event above a megabyte. */
const MAX_BYTES = 16_777_216;
const TIMEOUT_MS = 30_000;

/**
 * The text at an HTTP address. Goes through the proxy of the environment, follows no redirect, and takes no token along: whoever serves manifests is not the principal.
 *
 * @throws CommandError (usage)
 */
export async function fetchText(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
  cancelled: AbortSignal,
): Promise<string> {
  const signal = AbortSignal.any([cancelled, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const agent = routeOf(address, env)?.agent;
    const response = await request(new URL(address), { method: "GET", headers: {}, agent, signal });
    if (response.status !== 200) {
      response.abandon();
      throw usageError(`${address} answered ${response.status}`);
    }
    return await textOf(response, address);
  } catch (thrown) {
    if (thrown instanceof CommandError) throw thrown;
    throw usageError(`${address} cannot be read: ${reasonOf(thrown)}`, { cause: thrown });
  }
}

function routeOf(address: string, env: Readonly<Record<string, string | undefined>>) {
  const proxy = proxyFromEnvironment(env, address.startsWith("https:"));
  const exceptions = env.no_proxy || env.NO_PROXY || "";
  return proxy === undefined ? undefined : routeTo(address, undefined, { ...proxy, exceptions });
}

async function textOf(response: Answer, address: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.chunks()) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw usageError(`${address} has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
