/** What scripts may rely on: what these codes mean is the same for `hawser`. */
export const SEND_EXIT_CODES = {
  /** Everything is in the agent's mailbox, on disk. */
  ok: 0,
  /** The agent refused, or something failed for a reason not named below. */
  failed: 1,
  /** The command line or the events are wrong. */
  usage: 2,
  /** No agent answers there. */
  unreachable: 3,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

export type SendExitCode = (typeof SEND_EXIT_CODES)[keyof typeof SEND_EXIT_CODES];

/** An end that is the user's to mend: printed as one line, with the next step in it. */
export class SendError extends Error {
  override readonly name = "SendError";
  readonly exitCode: SendExitCode;
  /** Of the agent's answer. */
  readonly code: string | undefined;

  constructor(
    exitCode: SendExitCode,
    message: string,
    options: ErrorOptions & { readonly code?: string } = {},
  ) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = options.code;
  }
}
