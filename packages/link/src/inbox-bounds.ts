import { DEFAULT_WINDOW_BYTES, HawserError, LIMITS } from "@hawser/protocol";

// How many bytes of memory a byte of the window may come to: several times what ordinary JSON takes
// once it is parsed. What is made of empty objects takes more; such events are refused for now
// while others are being applied.
const MEMORY_PER_WINDOW_BYTE = 8;

/** Memory for the events of a peer that are being applied; a larger one comes alone. */
export function maxApplyingMemory(windowBytes = DEFAULT_WINDOW_BYTES): number {
  return Math.max(windowBytes, LIMITS.maxFrameBytes) * MEMORY_PER_WINDOW_BYTE;
}

/** The event, with those being applied, would exceed the memory for one peer. */
export function tooMuchMemory(context: { resource_id?: string; event_id?: string } = {}): HawserError {
  const message =
    "what this peer has sent takes as much memory as it may; try again when some of it is applied";
  return new HawserError("inbox_full", message, context);
}

/** One resource more than an inbox remembers. */
export function tooManyRows(rows: number): HawserError {
  return new HawserError(
    "inbox_full",
    `${rows} resources of this peer are remembered, and no more; they are forgotten when its settled floor passes them`,
  );
}
