import type { EventDraft } from "@hawser/protocol";
import { seededRandom } from "@hawser/runtime";

/** Bytes of `data` as JSON. */
export const PAYLOAD_BYTES = 300;
/** Different payloads in turn, so that nothing profits from always seeing the same bytes. */
const VARIETIES = 64;
/** Of one agent, for each event outstanding: a resource has one event in flight, which must not be what limits. */
const RESOURCES_PER_SLOT = 4;

const SEED = 300;

function makePayloads(): readonly { readonly run: string; readonly text: string }[] {
  const random = seededRandom(SEED);
  return Array.from({ length: VARIETIES }, () => {
    const run = random.uuid();
    const empty = JSON.stringify({ run, text: "" }).length;
    let text = "";
    while (text.length < PAYLOAD_BYTES - empty) text += random.uuid();
    return { run, text: text.slice(0, PAYLOAD_BYTES - empty) };
  });
}

/** Commands for one agent after the other resource, as a publisher would make them. */
export class EventSource {
  readonly #payloads = makePayloads();
  readonly #resources: readonly string[];
  #count = 0;

  constructor(window: number) {
    this.#resources = Array.from({ length: window * RESOURCES_PER_SLOT }, (_, n) => `job-${n}_b1`);
  }

  next(): EventDraft {
    const n = this.#count;
    this.#count += 1;
    return {
      specversion: "1.0",
      id: `bench-${n}`,
      source: "bench/publisher",
      type: "com.example.job.run",
      datacontenttype: "application/json",
      resourceid: this.#resources[n % this.#resources.length] ?? "job_b1",
      data: this.#payloads[n % VARIETIES] ?? null,
    };
  }
}
