import { HawserError } from "@hawser/protocol";

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
 * The query of a list.
 *
 * @param filters names of further parameters of this list
 * @throws HawserError `invalid_message` for a bad limit, and for a parameter that is unknown (it would be ignored) or given twice
 */
export function parsePage(query: URLSearchParams, filters: readonly string[] = []): PageRequest {
  allowQuery(query, ["limit", "after", ...filters]);
  return { limit: parseLimit(query.get("limit")), after: query.get("after") ?? undefined };
}

/** @throws HawserError `invalid_message` for a parameter that is unknown (it would be ignored) or given twice */
export function allowQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      const offer = known.length === 0 ? "there are none here" : `known are ${known.join(", ")}`;
      throw invalid(`unknown query parameter ${JSON.stringify(name)}; ${offer}`);
    }
    if (query.getAll(name).length > 1) throw invalid(`query parameter ${name} is given twice`);
  }
}

/**
 * A parameter that takes one of a few words.
 *
 * @throws HawserError `invalid_message` for another word, with those that are taken
 */
export function parseChoice<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw invalid(`${name} must be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`);
}

function parseLimit(text: string | null): number {
  if (text === null) return DEFAULT_PAGE_LIMIT;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_PAGE_LIMIT) return limit;
  throw invalid(`limit must be 1 to ${MAX_PAGE_LIMIT}, not ${JSON.stringify(text.slice(0, 32))}`);
}

function invalid(message: string): HawserError {
  return new HawserError("invalid_message", message);
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
