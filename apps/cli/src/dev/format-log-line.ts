import { printableLine } from "@hawser/runtime";
import { z } from "zod";
import { type Style } from "../output/style.js";

const logLineSchema = z.looseObject({ level: z.string(), time: z.string(), msg: z.string() });

/** A JSON line of a service as a person reads it: who, when, what, and the fields; anything else as it is. */
export function formatLogLine(name: string, line: string, style: Style): string {
  const parsed = logLineSchema.safeParse(parseJson(line));
  if (!parsed.success) return `${style.accent(name)}  ${printableLine(line)}`;
  const { level, time, msg, service: _service, ...fields } = parsed.data;
  const told = Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  const loud = level === "error" ? style.bad : level === "warn" ? style.warn : (text: string): string => text;
  const prefix = `${style.accent(name)}  ${style.dim(time.slice(11, 23))}`;
  return `${prefix}  ${loud(`${level.padEnd(5)} ${printableLine(msg)}`)}  ${style.dim(printableLine(told))}`.trimEnd();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
