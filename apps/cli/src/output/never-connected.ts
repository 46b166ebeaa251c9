import type { Terminal } from "../terminal.js";

/** A name that nobody has come by may be misspelt: what is sent to it is kept, and nobody would notice. */
export function warnNeverConnected(terminal: Pick<Terminal, "err">, agents: Iterable<string>): void {
  for (const agent of new Set(agents))
    terminal.err(
      `hawser: ${agent} has never connected; what is sent to it is kept until it does. If the name is wrong: hawser agents remove ${agent} --force`,
    );
}
