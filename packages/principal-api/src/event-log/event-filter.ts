import type { RecordedEvent } from "./recorded-event.js";

/**
 * Which events are of interest. Each list names texts, where `*` stands for any characters: an event is of interest if it matches one of each list; an empty list matches all.
 */
export interface EventFilter {
  readonly types: readonly string[];
  readonly sources: readonly string[];
  readonly agents: readonly string[];
}

/** Everything. */
export const ALL_EVENTS: EventFilter = { types: [], sources: [], agents: [] };

/** A filter, made ready to be asked often. */
export function eventMatcher({ types, sources, agents }: EventFilter): (recorded: RecordedEvent) => boolean {
  const [type, source, agent] = [types, sources, agents].map(anyOf);
  return (recorded) =>
    type?.(recorded.event.type) !== false &&
    source?.(recorded.event.source) !== false &&
    agent?.(recorded.agent) !== false;
}

function anyOf(patterns: readonly string[]): ((text: string) => boolean) | undefined {
  if (patterns.length === 0) return undefined;
  const pieces = patterns.map((pattern) => pattern.split("*"));
  return (text) => pieces.some((parts) => matches(text, parts));
}

/** Piece by piece from the left, which is right for `*` alone and takes no more steps than there are characters and pieces; a regular expression may take all of them for each `*`. */
function matches(text: string, [first = "", ...rest]: readonly string[]): boolean {
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
