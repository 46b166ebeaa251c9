/** A source of randomness; a seeded one makes a run repeatable. */
export interface Random {
  /** Uniform in [0, 1). Not for secrets. */
  next(): number;
  /** A version 4 UUID (RFC 9562). */
  uuid(): string;
}

/** The randomness of this process. */
export const systemRandom: Random = {
  next: () => Math.random(),
  // The global loads on first use; node:crypto would load at the start of every program.
  uuid: () => crypto.randomUUID(),
};

/**
 * A repeatable source for simulations and tests, never for secrets. splitmix32 visits every 32-bit
 * state once and needs no warm-up.
 * @param seed any integer; only its low 32 bits count
 */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const uint32 = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return { next: () => uint32() / 0x1_0000_0000, uuid: () => uuidFrom(uint32) };
}

function uuidFrom(uint32: () => number): string {
  const hex = Array.from({ length: 4 }, () => uint32().toString(16).padStart(8, "0")).join("");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
