import type { Random } from "@hawser/runtime";
import type { OpenEvent } from "./open-events.js";

/** The first wait after a failure. */
const BASE_MS = 1_000;
/** The longest. */
const MAX_RETRY_DELAY_MS = 300_000;
/** What is left of a wait by the draw, at least. */
const FLOOR_SHARE = 0.5;
/** Whatever a receiver asks for, it is asked again within an hour. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Tries of an event that the receiver calls wrong. */
const TRIES_OF_WRONG = 5;

/** How long to wait after so many failures in a row: doubling, between half and all of it by a draw, so that sinks do not come back in unison. */
export function retryDelayMs(failures: number, random: Pick<Random, "next">): number {
  const full = Math.min(MAX_RETRY_DELAY_MS, BASE_MS * 2 ** Math.min(failures - 1, 30));
  return full * (FLOOR_SHARE + (1 - FLOOR_SHARE) * random.next());
}

/** What a receiver asked for, within bounds. */
export function boundedRetryAfterMs(askedMs: number): number {
  return Math.min(Math.max(0, askedMs), MAX_RETRY_AFTER_MS);
}

/** Whether a failure was the last one of an event. @param now by the monotonic clock */
export function isGivenUp(
  { attempts, firstTriedAt = Number.POSITIVE_INFINITY }: OpenEvent,
  { isOfEvent }: { readonly isOfEvent: boolean },
  { giveUpAfterMs }: { readonly giveUpAfterMs: number },
  now: number,
): boolean {
  return isOfEvent ? attempts >= TRIES_OF_WRONG : now - firstTriedAt >= giveUpAfterMs;
}
