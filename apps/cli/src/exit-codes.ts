/** What scripts may rely on: the meaning of each exit code is part of the interface. */
export const EXIT_CODES = {
  ok: 0,
  /** The principal refused, or something failed for a reason not named below. */
  failed: 1,
  /** The command line or a manifest is wrong. */
  usage: 2,
  /** No principal answered. */
  unreachable: 3,
  notFound: 4,
  conflict: 5,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** An end that is the user's to mend: printed as one line, with the next step in it. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
