/** A point in time as `google.protobuf.Timestamp` has it. */
export interface Timestamp {
  /** Whole seconds since the Unix epoch. */
  readonly seconds: number;
  /** 0 to 999,999,999, counted forward from `seconds`. */
  readonly nanos: number;
}

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the range of `google.protobuf.Timestamp`.
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;

/** Limit of `google.protobuf.Timestamp`. */
export const HIGHEST_NANOS = 999_999_999;

const UTC = 0;

/** Undefined unless `text` is RFC 3339 in the years 1 to 9999. Nanoseconds are the finest. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const day = parseDate(text);
  const second = parseTime(text);
  if (day === undefined || second === undefined) return undefined;
  const zoneAt = text.charCodeAt(19) === DOT ? endOfDigits(text, 20) : 19;
  const offset = parseOffset(text, zoneAt);
  if (zoneAt === 20 || offset === undefined) return undefined;
  const seconds = day + second - offset;
  // This form also refuses NaN, the result of invalid digits.
  if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) return undefined;
  const nanos = zoneAt === 19 ? 0 : Number(text.slice(20, Math.min(zoneAt, 29)).padEnd(9, "0"));
  return { seconds, nanos };
}

// Runs for every event with a `time`: a regular expression takes five times as long.
const DOT = 0x2e;
const COLON = 0x3a;
const DASH = 0x2d;
const PLUS = 0x2b;
const ZERO = 0x30;

/** Two digits as a number, or NaN, which fails every comparison. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function parseDate(text: string): number | undefined {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return undefined;
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined;
  return daysSinceEpoch(year, month, day) * 86_400;
}

function parseTime(text: string): number | undefined {
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const separator = text[10];
  if (separator !== "T" && separator !== "t") return undefined;
  if (text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return undefined;
  // Second 60 is a leap second, which Unix time counts as the first second of the next minute.
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined;
  return hour * 3600 + minute * 60 + second;
}

function parseOffset(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at);
  if (sign !== PLUS && sign !== DASH) {
    return text.length === at + 1 && (text[at] === "Z" || text[at] === "z") ? UTC : undefined;
  }
  const hour = twoDigits(text, at + 1);
  const minute = twoDigits(text, at + 4);
  if (text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON || !(hour <= 23 && minute <= 59)) {
    return undefined;
  }
  return (hour * 60 + minute) * (sign === PLUS ? 60 : -60);
}

function endOfDigits(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= ZERO + 9) at += 1;
  return at;
}

/** Days since 1970-01-01. The year begins in March, so a leap day is its last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** RFC 3339 in UTC with the fewest fraction digits. Undefined outside the years 1 to 9999. */
export function formatTimestamp({ seconds, nanos }: Timestamp): string | undefined {
  if (!(Number.isInteger(seconds) && seconds >= MIN_SECONDS && seconds <= MAX_SECONDS)) return undefined;
  if (!(nanos >= 0 && nanos <= HIGHEST_NANOS)) return undefined;
  const dayNumber = Math.floor(seconds / 86_400);
  const second = seconds - dayNumber * 86_400;
  const time = `${pad(Math.floor(second / 3600))}:${pad(Math.floor(second / 60) % 60)}:${pad(second % 60)}`;
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${formatDate(dayNumber)}T${time}${fraction}Z`;
}

/** The inverse of `daysSinceEpoch`. The calendar repeats after an era of 400 years. */
function formatDate(dayNumber: number): string {
  const days = dayNumber + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, "0")}-${pad(month)}-${pad(day)}`;
}

function pad(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
