/** Items of a page when the request does not say. */
export const DEFAULT_PAGE_LIMIT = 100;
/** Most items of a page; a request for more is refused, so that nobody takes a part for the whole. */
export const MAX_PAGE_LIMIT = 500;

export interface PageRequest {
  readonly limit: number;
  readonly after?: string | undefined;
}

/** A page of a list as the API answers it. */
export interface PageJson<Item> {
  readonly items: readonly Item[];
  /** What to pass as `after` for the page behind this one; null when this is the last. */
  readonly next: string | null;
}

/**
 * Reads one item more than asked for, which tells whether there is another page.
 *
 * @param cursor what `after` must be to go on behind an item
 */
export async function readPage<View, Json>(
  { limit, after }: PageRequest,
  read: (page: { readonly limit: number; readonly after?: string }) => Promise<readonly View[]>,
  cursor: (view: View) => string,
  json: (view: View) => Json,
): Promise<PageJson<Json>> {
  const views = await read({ limit: limit + 1, ...(after === undefined ? {} : { after }) });
  const items = views.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(json),
    next: views.length > limit && last !== undefined ? cursor(last) : null,
  };
}

/** Items read at a time while looking for those that are asked for. */
const SCAN_PAGE = 500;
/** Items looked at for one answer. Beyond, the page ends early and `next` goes on behind them, so that no request holds the store for long. */
const MAX_SCANNED = 5_000;

export interface Scan<View, Json> {
  read(page: { readonly limit: number; readonly after?: string }): Promise<readonly View[]>;
  /** What `after` must be to go on behind an item. */
  cursor(view: View): string;
  /** `end`: neither this item nor any behind it is wanted. */
  judge(view: View): "take" | "skip" | "end";
  /** Where to begin when the request does not say: just before the first item that can be wanted. */
  readonly start?: string | undefined;
  json(view: View): Json;
}

/** A page of the wanted items of an ordered list; costs what lies between its first and its last item. */
export async function scanPage<View, Json>(
  { limit, after }: PageRequest,
  { read, cursor, judge, start, json }: Scan<View, Json>,
): Promise<PageJson<Json>> {
  const items: Json[] = [];
  let last = after ?? start;
  for (let scanned = 0; scanned < MAX_SCANNED; scanned += SCAN_PAGE) {
    const views = await read({ limit: SCAN_PAGE, ...(last === undefined ? {} : { after: last }) });
    for (const view of views) {
      const verdict = judge(view);
      if (verdict === "end") return { items, next: null };
      if (verdict === "take") {
        if (items.length === limit) return { items, next: last ?? null };
        items.push(json(view));
      }
      last = cursor(view);
    }
    if (views.length < SCAN_PAGE) return { items, next: null };
  }
  return { items, next: last ?? null };
}
