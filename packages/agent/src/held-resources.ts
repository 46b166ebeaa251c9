import { formatVersion, HawserError, parseSpecData, type HawserEvent } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import type { RetainedStates } from "@hawser/store";
import { PRINCIPAL } from "./principal-peer.js";
import type { DesiredResource } from "./resource-handler.js";

/** Which life of a resource is here. */
export interface HeldResource {
  readonly uid: string;
  readonly version: number;
  /** Name of the principal's store at the time: versions of another one cannot be compared. */
  readonly peerStore: string | undefined;
}

// Extension attribute that keeps the principal's store. It never leaves this agent.
const PEER_STORE_ATTRIBUTE = "peerstore";

/** Subjects read from the store at once. */
const PAGE_SIZE = 500;

/** `event` as it is to be kept. */
export function kept(event: HawserEvent, peerStore: string | undefined): HawserEvent {
  return peerStore === undefined ? event : { ...event, [PEER_STORE_ATTRIBUTE]: peerStore };
}

/** A resource as the store has it. */
export interface KeptResource {
  readonly resource: DesiredResource;
  readonly held: HeldResource;
  readonly resourceid: string;
}

/** Reads every resource this agent holds, in order of kind and name. */
export async function* readHeld(retained: RetainedStates): AsyncGenerator<KeptResource> {
  let after: string | undefined;
  for (;;) {
    const page = await retained.list(PRINCIPAL, "received", {
      limit: PAGE_SIZE,
      ...defined({ after }),
    });
    for (const { event, version } of page) {
      const resource = { ...parse(event), version: formatVersion(version), attempt: 1 };
      const store = event[PEER_STORE_ATTRIBUTE];
      const peerStore = typeof store === "string" ? store : undefined;
      yield { resource, held: { uid: resource.uid, version, peerStore }, resourceid: event.resourceid };
    }
    after = page.at(-1)?.subject;
    if (page.length < PAGE_SIZE) return;
  }
}

function parse(event: HawserEvent): ReturnType<typeof parseSpecData> {
  try {
    return parseSpecData(event);
  } catch (cause) {
    throw new HawserError(
      "store_corrupt",
      `what is kept of ${event.subject ?? event.resourceid} is no spec`,
      { cause },
    );
  }
}
