/** Longest string of a log field; a longer one is cut, so that no peer can fill the disk. */
export const MAX_LOG_STRING_LENGTH = 1024;

/** More digits mean nothing: of a millisecond they are below a microsecond. */
const DECIMALS = 1_000;

/** Fields of a log line: strings up to `MAX_LOG_STRING_LENGTH`, numbers with three decimals. */
export function shortFields(fields: Record<string, unknown>): Record<string, unknown> {
  let result = fields;
  for (const [name, value] of Object.entries(fields)) {
    const short = shortValue(value);
    if (short === value) continue;
    if (result === fields) result = { ...fields };
    result[name] = short;
  }
  return result;
}

function shortValue(value: unknown): unknown {
  if (typeof value === "number")
    return Number.isInteger(value) ? value : Math.round(value * DECIMALS) / DECIMALS;
  if (typeof value !== "string" || value.length <= MAX_LOG_STRING_LENGTH) return value;
  return `${value.slice(0, MAX_LOG_STRING_LENGTH)}… (${value.length} characters)`;
}
