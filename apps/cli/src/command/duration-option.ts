import { InvalidArgumentError, Option } from "commander";
import { formatDuration } from "../output/table.js";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `20s`, `15m` or `1h`, as milliseconds. A bare number is refused: nobody knows its unit. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  if (unit === undefined) throw new InvalidArgumentError("give a duration such as 500ms, 20s, 15m or 1h");
  return Number(match?.[1]) * unit;
}

/** An option that takes one, in milliseconds. Its default is shown with its unit, as it would be typed. */
export function durationOption(flags: string, description: string, defaultMs?: number): Option {
  const option = new Option(flags, description).argParser(parseDuration);
  return defaultMs === undefined ? option : option.default(defaultMs, formatDuration(defaultMs));
}
