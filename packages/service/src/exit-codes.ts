import { HawserError } from "@hawser/protocol";

/** What the exit code of a service says. */
export const SERVICE_EXIT_CODES = {
  /** Stopped as asked. */
  stopped: 0,
  /** Could not run, or not go on, for a reason outside its settings. */
  failed: 1,
  /** The settings are wrong: starting again without changing them is useless. */
  badSettings: 2,
} as const;

/** With which code a service ends that this keeps from running. */
export function exitCodeOf(thrown: unknown): number {
  const { code } = HawserError.from(thrown);
  return code === "invalid_config" ? SERVICE_EXIT_CODES.badSettings : SERVICE_EXIT_CODES.failed;
}
