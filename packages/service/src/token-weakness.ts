/** Shorter ones can be guessed over a network. */
const MIN_CHARACTERS = 16;
/** A random token of 16 hexadecimal digits has fewer in one of ten thousand cases; what people type to get it over with has fewer. */
const MIN_DIFFERENT_CHARACTERS = 6;

/** Why a bearer token could be guessed, as the end of a sentence about it; undefined for one that is good enough. */
export function tokenWeakness(token: string): string | undefined {
  if (token.length < MIN_CHARACTERS) return `has fewer than ${MIN_CHARACTERS} characters`;
  if (new Set(token).size < MIN_DIFFERENT_CHARACTERS)
    return `has fewer than ${MIN_DIFFERENT_CHARACTERS} different characters`;
  return undefined;
}
