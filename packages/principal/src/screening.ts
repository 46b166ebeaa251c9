import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import type { PeerInfo, Screen } from "@hawser/transport";
import type { ScreenPeer } from "./authenticate.js";
import type { PrincipalObserver } from "./principal-observer.js";

export interface ScreeningParts {
  readonly screen: ScreenPeer;
  readonly logger: Logger;
  readonly observer: PrincipalObserver;
  /** Its credential is good. */
  readonly known: (peer: PeerInfo) => void;
}

/** What acceptors ask of each request: the look-up of the principal's owner, with what it says written down, and with what it throws kept from the port. */
export function screening({ screen, logger, observer, known }: ScreeningParts): Screen {
  const refused = ({ address, internal }: PeerInfo, error: HawserError): HawserError => {
    observer.sessionRefused?.("", error.code);
    logger.warn({ address, internal, code: error.code }, `session refused: ${error.message}`);
    return error;
  };
  return (peer) => {
    // The principal's own login comes by its internal port and has no credential; only its hello tells it from another's, so there the hello is what is judged.
    if (peer.internal === true) return undefined;
    try {
      const screened = screen(peer);
      if (screened.kind === "refused") return refused(peer, screened.error);
      if (screened.kind === "known") known(peer);
      return undefined;
    } catch (thrown) {
      logger.error({ err: thrown }, "the look-up of a credential threw");
      return refused(peer, new HawserError("internal", "the credential could not be looked up"));
    }
  };
}
