import {
  HawserError,
  LIMITS,
  PROTOCOL_VERSIONS,
  type Hello,
  type ProtocolVersion,
  type Welcome,
} from "@hawser/protocol";

/** The first of the offered versions, most wanted first, that is spoken here; undefined when there is none. */
export function negotiateVersion(offered: readonly string[]): ProtocolVersion | undefined {
  for (const version of offered) {
    const known = PROTOCOL_VERSIONS.find((candidate) => candidate === version);
    if (known !== undefined) return known;
  }
  return undefined;
}

/** A settled floor as it is written on the wire; `0` while nothing is settled. Undefined for anything else. */
export function parseSettled(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const version = Number(text);
  return version <= LIMITS.maxVersion ? version : undefined;
}

/** What hello and welcome have in common, checked and turned into numbers. */
export interface PeerTerms {
  readonly peerWindow: number;
  readonly peerSettled: number;
}

/** @throws HawserError `invalid_message` naming the field */
export function peerTerms(message: Hello | Welcome): PeerTerms {
  const peerSettled = parseSettled(message.settled);
  if (peerSettled === undefined) throw wrong(message, "settled", "a version or 0, as a decimal string");
  if (!isWithin(message.window, 1, LIMITS.maxWindow))
    throw wrong(message, "window", `a whole number from 1 to ${LIMITS.maxWindow}`);
  return { peerWindow: message.window, peerSettled };
}

/** @throws HawserError `invalid_message` naming the field, `unsupported_version` */
export function checkWelcome(welcome: Welcome): PeerTerms {
  const version = negotiateVersion([welcome.protocol_version]);
  if (version === undefined)
    throw new HawserError(
      "unsupported_version",
      `the principal chose protocol version ${welcome.protocol_version}; this agent speaks ${PROTOCOL_VERSIONS.join(", ")}`,
    );
  if (!isWithin(welcome.epoch, 1, LIMITS.maxVersion)) throw wrong(welcome, "epoch", "a whole number from 1");
  for (const field of ["heartbeat_interval_ms", "heartbeat_timeout_ms"] as const)
    if (!isWithin(welcome[field], 1, MAX_HEARTBEAT_MS))
      throw wrong(welcome, field, `a whole number from 1 to ${MAX_HEARTBEAT_MS}`);
  return peerTerms(welcome);
}

/** What a timer can hold. */
const MAX_HEARTBEAT_MS = 2_147_483_647;

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

function wrong(message: Hello | Welcome, field: string, expected: string): HawserError {
  return new HawserError("invalid_message", `${field} of ${message.type} must be ${expected}`);
}
