import type { BoundAddress } from "@hawser/listener";
import type { Logger } from "@hawser/runtime";
import { announceLocalApi } from "@hawser/service/local-api";

/** Tells the command line of the same user where the token is, so that nobody has to type it. Without a home it has to be told: nothing else depends on it. */
export function announceApi(
  { host, port }: BoundAddress,
  tokenFile: string | undefined,
  logger: Logger,
): () => void {
  if (tokenFile === undefined) return () => {};
  try {
    return announceLocalApi({ host, port, pid: process.pid, tokenFile }, process.env);
  } catch (err) {
    logger.debug({ err }, "the command line will not find the API's token by itself: no note can be written");
    return () => {};
  }
}
