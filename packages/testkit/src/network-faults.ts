/** What a simulated network does to those who use it. Probabilities lie in [0, 1]; means are of exponential draws, `Infinity` means never. */
export interface NetworkFaults {
  /** Every frame takes at least this long. */
  readonly latencyMinMs: number;
  /** Every frame takes at most this long, unless it waits behind another or is stalled. */
  readonly latencyMaxMs: number;
  /** How likely a frame, and all behind it, waits for up to `stallMaxMs` more: a lost packet sent again. */
  readonly stallProbability: number;
  readonly stallMaxMs: number;
  /** How likely a dial is refused. */
  readonly dialFailureProbability: number;
  /** How likely a dial is never answered, so that only its own timeout ends it. */
  readonly dialHangProbability: number;
  /** How long a connection lives on average before it is cut. */
  readonly meanUptimeMs: number;
  /** How likely an end does not notice that its connection was cut, or its peer killed (drawn for each end): a half-open connection. */
  readonly unnoticedProbability: number;
  /** How long until the next partition between one dialing host and one address. */
  readonly meanPartitionIntervalMs: number;
  readonly meanPartitionMs: number;
}

/** One millisecond each way and no faults: what `heal` gives. */
export const PERFECT_NETWORK: NetworkFaults = {
  latencyMinMs: 1,
  latencyMaxMs: 1,
  stallProbability: 0,
  stallMaxMs: 0,
  dialFailureProbability: 0,
  dialHangProbability: 0,
  meanUptimeMs: Number.POSITIVE_INFINITY,
  unnoticedProbability: 0,
  meanPartitionIntervalMs: Number.POSITIVE_INFINITY,
  meanPartitionMs: 0,
};

/** Every fault at once, often enough that a minute of virtual time sees several of each. */
export const ROUGH_NETWORK: NetworkFaults = {
  latencyMinMs: 0.5,
  latencyMaxMs: 50,
  stallProbability: 0.01,
  stallMaxMs: 3000,
  dialFailureProbability: 0.2,
  dialHangProbability: 0.05,
  meanUptimeMs: 15_000,
  unnoticedProbability: 0.25,
  meanPartitionIntervalMs: 30_000,
  meanPartitionMs: 5000,
};

/** Draws from the exponential distribution with this mean; `Infinity` stays so. */
export function exponential(uniform: number, mean: number): number {
  return mean === Number.POSITIVE_INFINITY ? mean : -Math.log(1 - uniform) * mean;
}
