import { HawserError } from "@hawser/protocol";
import { createJournalStore } from "@hawser/store-journal";
import { storePlace } from "../store/store-place.js";
import { fail, ok, type Check } from "./check.js";

/** Can the store of a service that is stopped be opened, and what does it hold. Nothing is changed, and none is made where there is none. */
export async function checkStore(directory: string): Promise<Check> {
  const name = `store ${directory}`;
  const place = storePlace(directory);
  if (place.kind === "wrong") return fail(name, place.detail, place.fix);
  const store = createJournalStore({ directory: place.directory });
  try {
    await store.start();
  } catch (thrown) {
    const error = HawserError.from(thrown);
    if (error.code === "store_unavailable" && error.message.includes("another process"))
      return ok(name, "in use by a service that is running: hawser status tells what it holds");
    return fail(name, `${error.code}: ${error.message}`, `hawser explain ${error.code}`);
  }
  try {
    const { peers, pending, deadLetters } = await store.totals();
    return ok(name, `opens; ${peers} mailboxes, ${pending} pending, ${deadLetters} dead letters`);
  } catch (thrown) {
    const error = HawserError.from(thrown);
    return fail(name, `${error.code}: ${error.message}`, `hawser explain ${error.code}`);
  } finally {
    await store.stop();
  }
}
