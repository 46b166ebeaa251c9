import { PRINCIPAL_ENDS, type PrincipalCase } from "./principal-ends.js";
import { PRINCIPAL_REFUSALS } from "./principal-refusals.js";
import { PRINCIPAL_VIOLATIONS } from "./principal-violations.js";

/** Every way for a connection of a real principal to end that is played. */
export const PRINCIPAL_CASES: readonly PrincipalCase[] = [
  ...PRINCIPAL_ENDS,
  ...PRINCIPAL_REFUSALS,
  ...PRINCIPAL_VIOLATIONS,
];
