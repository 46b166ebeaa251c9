import { parseArgs } from "node:util";

export type DemoArguments =
  | { readonly kind: "run"; readonly once: boolean }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string };

export const USAGE = `The demo of Hawser: one principal, three agents, a SIGKILL, and proof that nothing was lost.

  npm start              shows it, then stays up until Ctrl-C
  npm start -- --once    shows it and ends; exit code 0 only if everything converged`;

/** What the command line asks for. */
export function demoArguments(args: readonly string[]): DemoArguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { once: { type: "boolean", default: false }, help: { type: "boolean", short: "h" } },
    });
    return values.help === true ? { kind: "help" } : { kind: "run", once: values.once };
  } catch (thrown) {
    return { kind: "wrong", message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}
