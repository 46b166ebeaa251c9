import { HawserError } from "@hawser/protocol";
import type { Append, Appended } from "./mailbox.js";
import type { Store } from "./store.js";

/**
 * Appends one event, and answers what became of it.
 *
 * @throws HawserError `internal` from a store that breaks its contract: it has an answer for each item
 */
export async function appendOne(store: Pick<Store, "append">, append: Append): Promise<Appended> {
  const [answer] = await store.append([append]);
  if (answer === undefined) throw new HawserError("internal", "the store gave no answer to an append");
  return answer;
}
