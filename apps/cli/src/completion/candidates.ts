import type { ApiClient } from "../api/api-client.js";
import type { WordsRead } from "./read-words.js";

/** Most that are offered: nobody reads more, and a shell that is given thousands asks whether it should. */
export const MAX_CANDIDATES = 200;
/** Names of ours are made of these. Anything else might be more than a word to a shell, and is not offered. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

export interface CandidateSource {
  readonly client: () => Pick<ApiClient, "topAgents" | "firstResources" | "deadLetters">;
  readonly contexts: () => readonly string[];
}

/** What the word at the cursor may become. A name that ends with a slash goes on behind it. @throws what the source throws */
export async function candidatesFor(words: WordsRead, source: CandidateSource): Promise<readonly string[]> {
  const found = await lookUp(words, source);
  const wanted = found.filter(
    (word) => WORD.test(word) && word.startsWith(words.current) && !words.given.includes(word),
  );
  return [...new Set(wanted)].slice(0, MAX_CANDIDATES);
}

async function lookUp(
  { asks, current, given }: WordsRead,
  { client, contexts }: CandidateSource,
): Promise<readonly string[]> {
  const [agent = ""] = given;
  switch (asks) {
    case undefined:
      return [];
    case "context":
      return contexts();
    case "agent":
      return agents(client(), current);
    case "kind":
      return (await client().firstResources(agent)).map(({ kind }) => kind);
    case "eventid":
      return (await client().deadLetters(agent)).map(({ eventid }) => eventid);
    case "reference":
    case "resource":
      return references(client(), current, asks);
  }
}

async function agents(client: Pick<ApiClient, "topAgents">, prefix: string): Promise<readonly string[]> {
  const found = await client.topAgents({ name: prefix === "" ? undefined : prefix }, MAX_CANDIDATES);
  return found.map(({ name }) => name);
}

async function references(
  client: Pick<ApiClient, "topAgents" | "firstResources">,
  current: string,
  asks: "reference" | "resource",
): Promise<readonly string[]> {
  const [agent = "", kind, name] = current.split("/");
  if (kind !== undefined) {
    const found = await client.firstResources(agent, name === undefined ? {} : { kind });
    return found.map((resource) => `${agent}/${resource.kind}/${resource.name}`);
  }
  const names = await agents(client, agent);
  if (asks === "resource") return names.map((each) => `${each}/`);
  // The last one left may be meant itself, or what it holds.
  return names.length === 1 ? names.flatMap((each) => [each, `${each}/`]) : names;
}
