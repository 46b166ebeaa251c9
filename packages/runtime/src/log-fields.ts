/** The longest string a log field may have; the rest is cut and says so. Keeps a hostile peer from filling the disk. */
export const MAX_LOG_STRING_LENGTH = 1024;

/** Beyond it a fraction says nothing: of a millisecond it is a microsecond. */
const DECIMALS = 1_000;

/** Fields as a line has them: no string is longer than `MAX_LOG_STRING_LENGTH`, no number has more than three decimals. What was given stays as it is. */
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
