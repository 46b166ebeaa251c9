/** What scripts may rely on: the meaning of each exit code is part of the interface. */
export const EXIT_CODES = {
  ok: 0,
  /** The principal refused, a check failed, or something failed for a reason not named below. `diff`: there are differences. */
  failed: 1,
  /** The command line, the configuration or a manifest is wrong. */
  usage: 2,
  /** No principal answered. */
  unreachable: 3,
  notFound: 4,
  conflict: 5,
  /** What was waited for did not come in time. */
  timedOut: 6,
  /** `diff` could not compare; 1 would say that there are differences. */
  notCompared: 7,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

export interface CommandErrorOptions extends ErrorOptions {
  readonly code?: string;
}

/** An end that is the user's to mend: printed as one line, with the next step in it. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;
  /** Of a principal that refused: one of PROTOCOL.md (Errors), or `http_<status>`. */
  readonly code: string | undefined;

  constructor(exitCode: ExitCode, message: string, options: CommandErrorOptions = {}) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = options.code;
  }
}

/** An end that needs no words: what there was to say has been said. */
export class QuietExit extends Error {
  override readonly name = "QuietExit";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

export function usageError(message: string, options?: ErrorOptions): CommandError {
  return new CommandError(EXIT_CODES.usage, message, options);
}
