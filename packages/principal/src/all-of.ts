import { HawserError } from "@hawser/protocol";
import type { CallLimits } from "@hawser/runtime";

/** Items that `all...` reads at a time: enough that a page costs little for each, few enough that a loop that is left early has read little in vain. */
export const DEFAULT_PAGE_SIZE = 100;
/** What a store reads at a time at most. */
const MAX_PAGE_SIZE = 1_000;

/** How a whole list is looped over. */
export interface AllOptions {
  /** Once aborted, the loop ends with `aborted`, with the signal's reason as its cause: a list that was cut short is not taken for all of it. */
  readonly signal?: AbortSignal;
  /** Items that are read at a time, 1 to 1,000; no more are held. @default DEFAULT_PAGE_SIZE (100) */
  readonly pageSize?: number;
}

/** A piece of a list. */
export interface Page extends CallLimits {
  /** Begin behind this one: the last one seen. */
  readonly after?: string;
  readonly limit: number;
}

/** One page of a list that is ordered by a key. */
export interface PageRequest<Key> {
  readonly after?: Key;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** A list in pages. */
export interface Paged<Item, Key> {
  /** What comes behind `after` in the order of keys. Fewer than `limit` are the last. */
  read(page: PageRequest<Key>): Promise<readonly Item[]>;
  keyOf(item: Item): Key;
}

/**
 * All of a list, page by page: the next page is read when the loop asks for it. It goes on behind the last key it has told, so what is there all the time is told once, whatever comes
 * and goes meanwhile. Nothing is held open in between, so a loop may be left at any time.
 *
 * @throws HawserError `invalid_config` for a page size out of range, `aborted`, and what `read` throws; all of them in the loop
 */
export async function* allOf<Item, Key>(
  { read, keyOf }: Paged<Item, Key>,
  { signal, pageSize }: AllOptions = {},
): AsyncGenerator<Item, void, undefined> {
  const limit = checkPageSize(pageSize);
  const options = signal === undefined ? { limit } : { limit, signal };
  for (let page: readonly Item[] | undefined; ; ) {
    throwIfGivenUp(signal);
    const last = page?.at(-1);
    page = await read(last === undefined ? options : { ...options, after: keyOf(last) });
    for (const item of page) {
      yield item;
      throwIfGivenUp(signal);
    }
    if (page.length < limit) return;
  }
}

/** @throws HawserError `invalid_config` */
export function checkPageSize(pageSize = DEFAULT_PAGE_SIZE): number {
  if (Number.isSafeInteger(pageSize) && pageSize >= 1 && pageSize <= MAX_PAGE_SIZE) return pageSize;
  throw new HawserError("invalid_config", `pageSize is ${pageSize}; it must be 1 to ${MAX_PAGE_SIZE}`);
}

/** @throws HawserError `aborted` */
export function throwIfGivenUp(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new HawserError("aborted", "the caller gave up before the end of the list", { cause: signal.reason });
}
