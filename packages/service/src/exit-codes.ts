import { HawserError } from "@hawser/protocol";

/** Exit codes of a service. */
export const SERVICE_EXIT_CODES = {
  stopped: 0,
  /** Could not start or continue, for a reason outside its settings. */
  failed: 1,
  /** Wrong settings: a restart does not help. */
  badSettings: 2,
} as const;

/** The exit code for the error that ends a service. */
export function exitCodeOf(thrown: unknown): number {
  const { code } = HawserError.from(thrown);
  return code === "invalid_config" ? SERVICE_EXIT_CODES.badSettings : SERVICE_EXIT_CODES.failed;
}
