import { ALL_EVENTS, eventMatcher, type EventFilter } from "./event-filter.js";
import type { LogIndex } from "./log-index.js";
import type { LogMailbox } from "./log-mailbox.js";
import { fromEntry, type RecordedEvent } from "./recorded-event.js";

/** Events that are looked through for one page, however few are of interest. */
const SCANNED_EVENTS = 2_000;
const SCANNED_BYTES = 4_194_304;
/** Of one agent, events lie apart, and each is read by itself. */
const READS_AT_ONCE = 16;

/** Which events to read. */
export interface RecordedQuery {
  /** The position before the first. @default 0 */
  readonly after?: number;
  /** Most events of the page, from 1. */
  readonly limit: number;
  /** The page ends with the event that brings its bytes to this. @default 4_194_304 */
  readonly maxBytes?: number;
  /** @default ALL_EVENTS */
  readonly filter?: EventFilter;
}

/** A piece of the log. */
export interface RecordedPage {
  readonly items: readonly RecordedEvent[];
  /** Everything of interest up to here is in this page or before it: what to read on behind. */
  readonly through: number;
  /** Whether there may be more behind it by now. */
  readonly hasMore: boolean;
}

type Source = Pick<LogMailbox, "read">;

export function readRecorded(query: RecordedQuery, index: LogIndex, mailbox: Source): Promise<RecordedPage> {
  const { agents, types, sources } = query.filter ?? ALL_EVENTS;
  const [agent] = agents;
  const isOfOne = agents.length === 1 && agent !== undefined && !agent.includes("*");
  return isOfOne
    ? readOfAgent(agent, { ...query, filter: { types, sources, agents: [] } }, index, mailbox)
    : scan(query, index, mailbox);
}

async function scan(query: RecordedQuery, index: LogIndex, mailbox: Source): Promise<RecordedPage> {
  const { after = 0, limit, filter = ALL_EVENTS } = query;
  const isOfInterest = eventMatcher(filter);
  const maxBytes = Math.min(query.maxBytes ?? SCANNED_BYTES, SCANNED_BYTES);
  const { newest } = index;
  const hasFilter = filter.types.length + filter.sources.length + filter.agents.length > 0;
  const entries = await mailbox.read(after, hasFilter ? SCANNED_EVENTS : limit, maxBytes);
  const items: RecordedEvent[] = [];
  let through = after;
  for (const entry of entries) {
    if (items.length === limit) break;
    const recorded = fromEntry(entry);
    through = recorded.position;
    if (isOfInterest(recorded)) items.push(recorded);
  }
  // Nothing between the last entry and the newest: what was there has been let go.
  if (entries.length === 0) through = Math.max(after, newest);
  return { items, through, hasMore: through < index.newest };
}

async function readOfAgent(
  agent: string,
  query: RecordedQuery,
  index: LogIndex,
  mailbox: Source,
): Promise<RecordedPage> {
  const { after = 0, limit, filter = ALL_EVENTS } = query;
  const isOfInterest = eventMatcher(filter);
  const maxBytes = Math.min(query.maxBytes ?? SCANNED_BYTES, SCANNED_BYTES);
  const { newest } = index;
  const items: RecordedEvent[] = [];
  let through = after;
  let bytes = 0;
  let scanned = 0;
  for (const positions of inPieces(index.positionsOf(agent, after))) {
    const read = await Promise.all(positions.map((position) => mailbox.read(position - 1, 1)));
    for (const [entry] of read) {
      if (entry === undefined) continue;
      const recorded = fromEntry(entry);
      // Of one that was let go meanwhile, the next one is read.
      if (recorded.agent !== agent || recorded.position <= through) continue;
      if (items.length === limit || bytes >= maxBytes || scanned >= SCANNED_EVENTS)
        return { items, through, hasMore: true };
      through = recorded.position;
      scanned += 1;
      bytes += recorded.bytes;
      if (isOfInterest(recorded)) items.push(recorded);
    }
  }
  through = Math.max(through, newest);
  return { items, through, hasMore: through < index.newest };
}

function* inPieces(positions: Iterable<number>): Iterable<readonly number[]> {
  let piece: number[] = [];
  for (const position of positions) {
    piece.push(position);
    if (piece.length < READS_AT_ONCE) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
