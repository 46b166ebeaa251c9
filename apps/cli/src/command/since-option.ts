import { InvalidArgumentError } from "commander";
import { parseDuration } from "./duration-option.js";

/** Where to begin: behind the one with this id, or with what is no older than so many milliseconds. */
export type Since = { readonly id: string } | { readonly agoMs: number };

/** `10m`, an id such as `1f2e3d4c-17`, or a position such as `17`. */
export function parseSince(text: string): Since {
  if (/^(?:[\w.-]+-)?\d+$/.test(text)) return { id: text };
  try {
    return { agoMs: parseDuration(text) };
  } catch {
    throw new InvalidArgumentError("give a duration such as 10m, or the id of a step or a recorded event");
  }
}
