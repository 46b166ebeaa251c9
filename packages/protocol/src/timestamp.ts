/** A point in time as `google.protobuf.Timestamp` has it. */
export interface Timestamp {
  /** Whole seconds since the Unix epoch. */
  readonly seconds: number;
  /** 0 to 999,999,999, counted forward from `seconds`. */
  readonly nanos: number;
}

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what `google.protobuf.Timestamp` covers.
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Undefined when `text` is no RFC 3339 timestamp within the years 1 to 9999. What is finer than a nanosecond is cut. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second,
    fraction = "",
    sign,
    offsetHour = "0",
    offsetMinute = "0",
  ] = match;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as SixNumbers;
  const [oh, om] = [Number(offsetHour), Number(offsetMinute)];
  // Second 60 is a leap second, which Unix time counts as the first second of the next minute.
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || s > 60) return undefined;
  if (oh > 23 || om > 59) return undefined;
  const offset = (oh * 60 + om) * 60 * (sign === "-" ? -1 : 1);
  const date = new Date(0);
  date.setUTCFullYear(y, mo - 1, d);
  const seconds = date.getTime() / 1000 + h * 3600 + mi * 60 + s - offset;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) return undefined;
  return { seconds, nanos: Number(fraction.slice(0, 9).padEnd(9, "0")) };
}

type SixNumbers = [number, number, number, number, number, number];

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** RFC 3339 in UTC, with no more digits of a second than it takes. Undefined when out of the range of years 1 to 9999. */
export function formatTimestamp({ seconds, nanos }: Timestamp): string | undefined {
  if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) return undefined;
  if (!(nanos >= 0 && nanos <= 999_999_999)) return undefined;
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${whole}${fraction}Z`;
}
