/** Items of a page when the request does not say. */
export const DEFAULT_PAGE_LIMIT = 100;
/** Most items of a page; a request for more is refused, so that nobody takes a part for the whole. */
export const MAX_PAGE_LIMIT = 500;

export interface PageRequest {
  readonly limit: number;
  readonly after: string | undefined;
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
