/**
 * The value of the HTTP header `Retry-After`, seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now; undefined when it is neither.
 *
 * @param wallTimeMs now, Unix milliseconds
 */
export function parseRetryAfter(value: string | undefined, wallTimeMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallTimeMs);
}
