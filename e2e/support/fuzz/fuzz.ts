import { seededRandom, systemRandom, systemTimers, type Random } from "@hawser/runtime";

/** What one run of a target is asked to do. */
export interface FuzzPlan {
  readonly seed: number;
  readonly inputs: number;
}

/** Inputs that go on one after the other before anything else gets the event loop. */
const BATCH = 500;

/**
 * The plan of a target: `HAWSER_SEED` replays a run, `HAWSER_FUZZ_INPUTS` makes it longer; `HAWSER_FUZZ_INPUT` tries one input of it alone.
 *
 * @param short inputs of a run that takes seconds; @param share of the long count, where an input is a whole connection
 */
export function fuzzPlan(short: number, share = 1): FuzzPlan {
  const asked = Number(process.env["HAWSER_FUZZ_INPUTS"] ?? 0);
  const seed = Number(process.env["HAWSER_SEED"] ?? Math.floor(systemRandom.next() * 2 ** 31));
  return { seed, inputs: asked > 0 ? Math.max(1, Math.round(asked * share)) : short };
}

/**
 * Gives each input its own random source, so that one of them can be tried alone. A failure says which and how.
 *
 * @param attempt tries one input; throws what it finds wrong
 */
export async function fuzz(
  target: string,
  { seed, inputs }: FuzzPlan,
  attempt: (random: Random, index: number) => Promise<void> | void,
): Promise<void> {
  const alone = process.env["HAWSER_FUZZ_INPUT"];
  console.log(
    `fuzz: ${target}, seed ${seed}, ${alone === undefined ? `${inputs} inputs` : `input ${alone} alone`}`,
  );
  const first = alone === undefined ? 0 : Number(alone);
  const end = alone === undefined ? inputs : first + 1;
  for (let index = first; index < end; index += 1) {
    try {
      await attempt(seededRandom(Math.imul(seed, 0x9e37_79b1) + index), index);
    } catch (thrown) {
      const replay = `HAWSER_SEED=${seed} HAWSER_FUZZ_INPUT=${index}`;
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new Error(`${target}: input ${index} of seed ${seed} (replay with ${replay}): ${reason}`, {
        cause: thrown,
      });
    }
    if (index % BATCH === 0) await new Promise<void>((resolve) => void systemTimers.soon(resolve));
  }
}

/** An input as a failure may print it. */
export function shown(input: Uint8Array | string): string {
  const bytes = Buffer.from(input);
  const hex = bytes.subarray(0, 2_000).toString("hex");
  return `${bytes.length} bytes, ${hex}${bytes.length > 2_000 ? "..." : ""}`;
}
