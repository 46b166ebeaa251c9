import type { PrincipalLink } from "@hawser/link";
import type { Hello } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { Authenticate } from "../authenticate.js";

/** How many sessions are asked about before anything else may happen. */
const REAUTHENTICATE_AT_ONCE = 256;

/** Who asks, and about whom it is too late to ask. */
export interface ReauthenticateParts {
  readonly runtime: Runtime;
  readonly authenticate: Authenticate;
  /** Whether a connection has ended, or is being closed. */
  readonly isLeaving: (link: PrincipalLink) => boolean;
}

/**
 * Asks again who each agent is, by what it said when it came, and ends the sessions of those that are not let in any more.
 *
 * @returns how many those are
 */
export async function reauthenticate(
  hellos: ReadonlyMap<PrincipalLink, Hello>,
  parts: ReauthenticateParts,
): Promise<number> {
  const all = [...hellos];
  let refused = 0;
  for (let begin = 0; begin < all.length; begin += REAUTHENTICATE_AT_ONCE) {
    const some = all.slice(begin, begin + REAUTHENTICATE_AT_ONCE);
    const results = await Promise.all(some.map(([link, hello]) => askAgain(link, hello, parts)));
    refused += results.filter((ended) => ended).length;
    // A synchronous look-up would keep everything else waiting for as long as all of them take.
    await new Promise<void>((resolve) => parts.runtime.timers.soon(resolve));
  }
  return refused;
}

async function askAgain(
  link: PrincipalLink,
  hello: Hello,
  { runtime, authenticate, isLeaving }: ReauthenticateParts,
): Promise<boolean> {
  try {
    const result = await authenticate(link.connection.peer, hello);
    if (result.ok || isLeaving(link)) return false;
    link.fail(result.error);
    return true;
  } catch (err) {
    const what = "cannot tell whether this agent is still let in; it stays";
    runtime.logger.error({ err, agent: hello.agent }, what);
    return false;
  }
}
